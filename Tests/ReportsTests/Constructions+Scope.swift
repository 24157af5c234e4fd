extension Constructions {
    /// Who or what is negated, known, removed or only named: the same constructions in other words than those of the
    /// reports that showed them.
    static let scopeInEnglish = #"""
        yes|1|cecum|14||There was no oozing after resection of a 14 mm caecal polyp.
        no|0||||Check after resection of a 14 mm caecal polyp. Nothing left of it.
        yes|1|descending|11||The descending polyp noted at her last visit now measures 11 mm.
        yes|1|rectum|6||The rectal polyp biopsied last spring was snared, 6 mm.
        no|0||||The rectal polyp resected last spring left a pale scar.
        no|0||||Polyp trap laid out, not used. Mucosa normal.
        yes|1|sigmoid|7||Sigmoid polyp 17 mm, snared.\nCORRECTION: typing error, it was 7 mm, not 17 mm.
        no|0||||Rectal polyp, 5 mm.\nERRATUM: the line above was copied from another patient. No polyp was seen.
        yes|1|transverse|9||4 polyps removed in 2020. Today just one, 9 mm, in the transverse colon.
        no|0||||Neither the caecum nor the sigmoid contained a polyp.
        no|0||||Hyperplastic polyps are common in the rectum; none were seen.
        no|0||||Reported by the resident as a polyp; on review a normal fold.
        uncertain|||||Polyps could well be hiding under the residue.
        yes|2|ascending,rectum|5|sessile,flat|C: nil\nA: 5 mm Is, CSP\nT: nil\nR: 2 mm IIa, CSP
        """#

    static let scopeInChinese = #"""
        yes|1|cecum|14||盲肠1.4cm息肉EMR术后创面无渗血。
        yes|1|descending|11||降结肠原有息肉较前增大，现约1.1cm，予切除。
        no|0||||息肉回收网备用，未使用。结直肠黏膜光滑。
        no|0||||直肠增生性息肉常见，本次未见。
        yes|1|transverse|9||2020年切除息肉4枚。本次仅见1枚，横结肠0.9cm，冷切。
        uncertain|||||大量粪水，不足以排除息肉。
        """#

    static let scopeInGerman = #"""
        yes|1|cecum|14||Keine Nachblutung nach Resektion eines 14 mm großen Zökumpolypen.
        yes|1|descending|11||Der vorbekannte Polyp im Descendens misst jetzt 11 mm.
        no|0||||Polypenfalle bereitgelegt, nicht benötigt. Schleimhaut unauffällig.
        yes|1|transverse|9||2020 vier Polypen abgetragen. Heute nur einer, 9 mm, im Transversum.
        no|0||||Hyperplastische Polypen sind im Rektum häufig, hier keine.
        no|0||||Weder im Zökum noch sonst irgendwo ein Polyp.
        no|0||||Ein Polyp ließ sich jedoch nirgends nachweisen.
        """#
}
