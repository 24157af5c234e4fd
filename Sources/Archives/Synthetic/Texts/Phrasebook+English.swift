extension Phrasebook {
    static let english = Phrasebook(
        firstNames: [
            "Alma", "Bertram", "Cordelia", "Dunstan", "Esme", "Fergus", "Greta", "Hollis", "Imogen", "Jasper", "Keziah",
            "Lorcan", "Maribel", "Nestor", "Odette", "Percival", "Rosalind", "Silas", "Thea", "Ulric", "Verity",
            "Wilfred",
        ],
        lastNames: [
            "Ashgrove", "Bellwether", "Cranmoor", "Dalrymple-Osei", "Eastwick", "Fothergill", "Greenhalgh", "Harkaway",
            "Inchbald", "Jellicoe", "Kettlewell", "Larkspur", "Merrivale", "Nightingale-Rao", "Oakenshaw", "Pettigrew",
            "Quickfall", "Ravenscroft", "Stannard", "Tolliver", "Underhay", "Winterbourne",
        ],
        namePattern: "<first> <last>", doctorPattern: "Dr <first> <last>",
        sites: [
            "cecum", "ascending colon", "hepatic flexure", "transverse colon", "descending colon", "sigmoid colon",
            "rectum",
        ],
        sessile: "{sessile|broad-based|Paris Is|sessile (0-Is)}",
        pedunculated: "{pedunculated|stalked|Paris Ip|pedunculated (0-Ip)}",
        flat: "{flat|flat elevated|Paris IIa|slightly raised (0-IIa)}",
        openings: [
            "Patient: <name>   MRN: <id>   DOB: <born>\nEndoscopist: <doctor>\n",
            "Name: <name>\nHospital no. <id>\nDate of examination: <date>\n",
            "Dear Colleague,\n\nthank you for referring your patient <name> (born <born>, our ref. <id>).\n",
            "COLONOSCOPY REPORT\n<date>, <doctor>\n", "", "",
        ],
        indications: [
            "Indication: screening colonoscopy, <age> years.",
            "Reason: {rectal bleeding|positive FIT|iron deficiency anaemia}.",
            "Indication: {altered bowel habit|chronic diarrhoea|abdominal pain} for some months.",
            "Average-risk screening.", "",
        ],
        histories: [
            "Indication: surveillance, {two adenomas|a 12 mm adenoma|several polyps} removed in <year>.",
            "History: {sister|father|mother} had {colon cancer|polyps} at <age>.",
            "Polypectomy elsewhere in <year>; the scar {could not be found|is unremarkable}.",
            "Referred because CT colonography in <year> suggested a polyp.",
        ],
        courses: [
            "{Scope passed|The instrument was advanced} to the {cecum|terminal ileum} {without difficulty|after position change}. Boston score {6|7|8|9}.",
            "Complete examination, {good|excellent|adequate} preparation, withdrawal {7|8|9|11} minutes.",
            "Sedation with {propofol|midazolam}. Cecum reached, landmarks photographed.",
        ],
        positives: [
            "{In the|Within the} <site> {there is|lies|was} a <form> polyp of <size>, {removed by cold snare|resected with hot snare|lifted and resected en bloc|biopsied}.",
            "<site>: <form> polyp, <size>{, cold snare, retrieved|, EMR in one piece|, snare polypectomy, clip}.",
            "A <size> <form> polyp was {found|seen|identified} in the <site> and {removed|resected completely|left for EMR under anticoagulation pause}.",
            "One <form> lesion of <size> in the <site>, {surface granular|pit pattern IIIL|NICE 2|smooth surface}, typical of a polyp; {polypectomy done|removed with the snare}.",
        ],
        furthers: [
            "{Another|A second} polyp of <size2> in the <site2>, {cold forceps|cold snare}.",
            "Also a <size2> polyp, <site2>, removed.",
        ],
        negatives: [
            "No polyps {were seen|in any segment|or masses}.",
            "{Mucosa|The lining} normal throughout, without polyp, ulcer or tumour.",
            "The colon was {clear of polyps|free of polyps and other lesions}.",
            "No evidence of polyps; vascular pattern preserved.",
            "All segments normal on {careful|slow} withdrawal. I {did not find|could not see} any polyp.",
        ],
        uncertains: [
            "In the <site> a {4|5} mm prominence, {fold or polyp|polyp not excluded}, biopsied.",
            "Questionable {nodule|elevation} in the <site>; {a small polyp cannot be ruled out|possibly a polyp}, histology awaited.",
            "{Suspected|Possible} polyp of the <site>, lost from view and not found again.",
        ],
        others: [
            "{Small|Grade I|Grade II} internal hemorrhoids.", "{Scattered|A few} diverticula in the sigmoid.",
            "Lipoma of the ascending colon, soft, left alone.",
            "Mild melanosis coli.", "Some residual {liquid|stool}, washed away.", "", "", "",
        ],
        positiveConclusions: [
            "Impression: {colonic polyp|polyp of the <site>}.", "Assessment: polyp <site>, see above.",
            "Diagnosis: polyp. Histology pending.", "",
        ],
        negativeConclusions: [
            "Impression: normal colonoscopy.", "Assessment: no polyp, no cancer.", "Diagnosis: unremarkable.", "",
        ],
        uncertainConclusions: [
            "Impression: indeterminate finding, see histology.", "Assessment: open until histology is back.",
        ],
        closings: [
            "Next colonoscopy in {3|5|10} years.", "Result by letter; questions to <phone>.", "Kind regards\n<doctor>",
            "", "",
        ],
        space: " ")
}
