extension Constructions {
    /// Written for this test: constructions of the field, none taken from a report.
    static let english = #"""
        yes|1|sigmoid|5|sessile|A 5 mm sessile polyp was found in the sigmoid colon and removed with a cold snare.
        no|0||||No polyps, masses or diverticula were seen.
        no|0||||Polyps: not present.
        no|0||||The colon was carefully examined for polyps; none were found.
        no|0||||There was no evidence of any polyp or mass.
        no|0||||Normal colonoscopy to the terminal ileum.
        no|0||||Colonoscopy complete to cecum, excellent prep, no lesions identified.
        no|0||||Findings: The entire examined colon appeared normal. Recommendation: Repeat in 10 years for polyp surveillance.
        no|0||||Indication: Personal history of colon polyps.\nFindings: The colon appeared normal on direct and retroflexion views.
        no|0||||INDICATION: 12 mm tubular adenoma removed from the rectum in 2020.\nFINDINGS: Normal mucosa throughout. A tattoo was seen in the rectum with a well-healed scar.
        yes|1|rectum|4||INDICATION: History of polyps.\nFINDINGS: A 4 mm polyp in the rectum, cold snare.\nIMPRESSION: Rectal polyp.
        yes|2|ascending,sigmoid|8||Two polyps, one 8 mm in the ascending colon and one 4 mm in the sigmoid colon, were resected.
        yes|3|cecum,transverse|6|sessile|Three sessile polyps measuring 3 to 6 mm were found, one in the cecum and two in the transverse colon.
        yes|1|sigmoid|7||Except for a 7 mm polyp in the sigmoid, no polyps were seen.
        yes|1|transverse|5||No polyps other than a 5 mm one in the transverse colon.
        yes|1|descending|6||There were no abnormalities apart from a single 6 mm polyp in the descending colon.
        uncertain||sigmoid|6||Sigmoid: possible 6 mm polyp behind a fold, could not be relocated.
        uncertain||ascending|||Ascending colon: questionable polyp vs stool, poor visualisation. Repeat advised.
        uncertain|||||Due to poor preparation polyps cannot be ruled out.
        no|0||||Small polyps may have been missed owing to the fair preparation. No lesion seen.
        no|0||||Inflammatory pseudopolyps throughout the left colon, no adenomatous lesions.
        no|0||||Subepithelial 2 cm lipoma in the ascending colon with positive pillow sign. No polyps.
        no|0||||Circumferential ulcerated mass at 20 cm, biopsied. No synchronous polyps.
        no|0||||Previous EMR site in the cecum: clean scar, no recurrence.
        yes|1|cecum|3||Previous EMR site in the cecum: 3 mm recurrence at the edge of the scar, removed with cold forceps.
        no|0||||Gastric polyps were noted on EGD. Colonoscopy was normal.
        yes|1|rectum|10|pedunculated|EGD: multiple fundic gland polyps.\nColonoscopy: 10 mm pedunculated polyp in the rectum, hot snare.
        no|0||||Mother had colon polyps at 50. Colonoscopy unremarkable.
        no|0||||If polyps are found they will be removed.\nNormal examination.
        yes|2||||Polyps detected: 2\nPolyps resected: 2
        no|0||||Number of polyps: 0
        no|0||||Polyps: [ ] yes [x] no\nDiverticula: [x] yes [ ] no
        no|0||||Polyp(s): None. Diverticulosis: None. Hemorrhoids: Yes.
        yes|1|cecum|25|LST,flat|Cecum: 25 mm laterally spreading tumor, non-granular (Paris IIa), EMR performed.
        yes|1|ascending|8||A sessile serrated lesion (8 mm) was removed from the ascending colon.
        no|0||||What appeared to be a polyp in the sigmoid turned out to be an inverted diverticulum.
        no|0||||The "polyp" reported on CT colonography proved to be stool that washed off. Otherwise normal.
        yes|1|hepatic flexure|9||The polyp described on CT was confirmed: 9 mm at the hepatic flexure, snared.
        no|0||||Suspected polyp on CT; no polyp found at colonoscopy.
        no|0||||Cecum, ascending, transverse, descending, sigmoid and rectum: without polyps.
        yes|4|transverse,sigmoid|5|diminutive|Diminutive polyps x3 in the transverse colon (2-3 mm) and x1 in the sigmoid (5 mm). All removed.
        yes|1|sigmoid|12|pedunculated|Sigmoid - 12mm Ip polyp, hot snare, retrieved
        yes|1|descending|4|flat|Desc col: 4mm IIa, CSP.
        yes||rectum|3||Several tiny hyperplastic polyps (1-3 mm) in the rectum were left in place.
        yes|2|cecum,sigmoid|10|sessile,pedunculated|IMPRESSION:\n- One 4 mm polyp in the cecum, removed with a cold snare. Resected and retrieved. Paris Is.\n- One 10 mm polyp in the sigmoid colon, pedunculated, removed with a hot snare.\n- Internal hemorrhoids.
        no|0||||The patient was worried about polyps. We could reassure her: none.
        no|0||||Polypectomy: not required. Mucosa normal throughout.
        yes|1|sigmoid|15|subpedunculated|In the distal sigmoid at 22 cm from the anal verge there is a 15 mm Isp polyp. En bloc hot snare resection. Specimen 18 mm.
        no|0||||Anal skin tags and a hypertrophied anal papilla; colon otherwise clear.
        uncertain||rectum|4||4 mm nodule in the rectum, adenoma or carcinoid? Biopsies taken.
        uncertain||cecum|||Fullness at the appendiceal orifice, unclear whether polyp or inverted appendix. Biopsied.
        no|0||||Lymphoid hyperplasia of the terminal ileum. No polyps detected in the colon.
        yes|1|splenic flexure|6||plyp 6mm at splenic flexure removed w cold snare, rest of colon normal
        yes|1|ascending|7|sessile|Findings. Sessil polpy of 7 mm in asending colon, cold snare.
        no|0||||NO POLYPS SEEN. MILD DIVERTICULOSIS. INTERNAL HEMORRHOIDS.
        yes|1|transverse|8||TRANSVERSE COLON: 8 MM POLYP, SNARED. NO BLEEDING. NO OTHER POLYPS.
        no|0||||Polyp surveillance colonoscopy. The caecum was reached in 5 minutes. Clear colon.
        no|0||||Surveillance after removal of 3 adenomas in 2018: today no polyps, scars not visible.
        yes|1|sigmoid|20|pedunculated|A large (2 cm) polyp on a long stalk was encountered in the sigmoid; it was removed after endoloop placement.
        yes|2|rectum,descending|||We came across two small polyps, one in the rectum and the other in the descending colon, both taken with forceps.
        no|0||||Small bubbles only; AI alert was a false positive, no polyp.
        yes|1|sigmoid|6||Segment    Finding    Size (mm)    Treatment\nCecum    none    -    -\nSigmoid    polyp    6    cold snare\nRectum    none    -    -
        yes||ascending,transverse,descending|9||Multiple polyps in the ascending, transverse and descending colon, the largest 9 mm.
        no|0||||Diverticulosis without polyps or masses.
        no|0||||Colon: normal. Stomach: 5 mm polyp in the antrum, biopsied.
        yes|1|rectum|5||There were no polyps in the right colon. In the rectum a 5 mm polyp was removed.
        no|0||||We did not encounter any polyps on this examination.
        no|0||||Neither polyps nor inflammation were present.
        uncertain||transverse|5||Probable 5 mm polyp in the transverse colon seen only on insertion, not found on withdrawal.
        yes|1|cecum|2||cec polyp 2 mm bx'd off. else neg.
        no|0||||Adenoma in 2015. Now negative.
        yes|5|ascending,transverse|8||5 polyps: 2 ascending (4, 8 mm), 3 transverse (all 3 mm). All cold snared.
        yes|1|sigmoid|8|pedunculated|Polyp 1\nLocation: sigmoid colon\nSize: 8 mm\nMorphology: pedunculated\nResection method: hot snare
        no|0||||Nothing polypoid, no ulcers, no bleeding source.
        no|0||||Patient known for adenomas, last one removed in 2017. Mucosa smooth from cecum to rectum.
        no|0||||HISTORY: polyp in descending colon removed March 2021 (15 mm).\nEXAM: to cecum. All segments inspected twice. Unremarkable.
        yes|1|ascending|6|sessile|HISTORY: polyp in descending colon removed March 2021 (15 mm).\nEXAM: to cecum. In the ascending colon a new sessile polyp, 6 mm, cold snare.
        uncertain||transverse|6||Transverse colon: 6 mm polypoid area, could be a prominent fold; biopsied.
        no|0||||Three hyperplastic-appearing gastric polyps. The colon was free of polyps.
        no|0||||Submucosal nodule of the rectum, 8 mm, yellow, firm: suspected neuroendocrine tumor. No mucosal polyp.
        no|0||||Post-polypectomy bleeding: ulcer at 30 cm with visible vessel, two clips. No remaining polyp.
        yes|2|sigmoid,rectum|9||Besides a 9 mm polyp in the sigmoid there was a 3 mm polyp in the rectum; both were snared.
        no|0||||Fecal residue resembling polyps was washed away. No true polyp.
        yes|1|cecum|12|flat|Caecum: 12mm SSL (0-IIa), EMR. Nil else.
        no|0||||Impression: No endoscopic evidence of polyps or neoplasia.
        yes|1|rectum|2||Rectum: 2 mm hyperplastic polyp, not removed.
        no|0||||The previously tattooed area was examined; no residual adenoma.
        yes|1|ascending|5||The previously tattooed area in the ascending colon showed a 5 mm residual adenoma, treated with APC.
        no|0||||Polyps: none seen today (2 removed last year).
        uncertain|||||It is not clear whether the tiny elevation near the anal verge is a polyp or a papilla.
        no|0||||Tiny elevation near the dentate line: hypertrophic papilla, no polyp.
        yes|1|descending|10||We found one polyp (descending colon, 10 mm), and it was removed completely.
        yes|1|transverse|4||CECUM - NORMAL. TRANSVERSE - 4MM POLYP REMOVED W/ COLD SNARE. REST - NORMAL.
        no|0||||CECUM - NORMAL. TRANSVERSE - NORMAL. SIGMOID - DIVERTICULOSIS. RECTUM - NORMAL.
        no|0||||Family history of FAP in her father; she herself has no polyps.
        yes|12|||| A total of 12 polyps were removed throughout the colon.
        """#
}
