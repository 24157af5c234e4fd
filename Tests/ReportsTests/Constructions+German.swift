extension Constructions {
    /// Written for this test: constructions of the field, none taken from a report.
    static let german = #"""
        yes|1|sigmoid|6|sessile|Im Sigma ein 6 mm großer breitbasiger Polyp, Abtragung mit kalter Schlinge.
        no|0||||Unauffällige Koloskopie bis ins terminale Ileum. Keine Polypen.
        no|0||||Polypen fanden sich nicht.
        no|0||||Polypen: keine. Divertikel: einzelne im Sigma.
        no|0||||Bis zum Zökum gespiegelt, Polypen waren nicht nachweisbar, Hämorrhoiden Grad I.
        no|0||||Z. n. Polypektomie im Rektum 2019. Heute reizlose Narbe, kein Rezidiv.
        no|0||||Indikation: Polypennachsorge.\nBefund: Regelrechte Schleimhaut in allen Abschnitten.
        yes|2|ascending,rectum|8||Zwei Polypen: einer im Ascendens (8 mm) und einer im Rektum (3 mm), beide abgetragen.
        yes|1|descending|5||Außer einem 5 mm Polypen im Descendens unauffälliger Befund.
        yes|1|cecum|4||Bis auf einen 4 mm messenden Polypen im Zökum, der mit der Zange entfernt wurde, keine Auffälligkeiten.
        uncertain||sigmoid|||Im Sigma fraglicher Polyp hinter einer Falte, bei Kotverschmutzung nicht sicher beurteilbar.
        uncertain||rectum|5||5 mm Erhabenheit im Rektum, DD Adenom, DD Lymphfollikel, PE.
        no|0||||Entzündliche Pseudopolypen im linken Kolon, kein Nachweis einer Dysplasie.
        no|0||||Lipom im Colon ascendens, sonst o.B.
        no|0||||ÖGD: Magenpolyp 8 mm. Koloskopie: unauffällig.
        yes|1|sigmoid|12|pedunculated|Sigmapolyp, gestielt, 12 mm, Schlingenabtragung, Bergung.
        yes||rectum|||Multiple kleine Polypen im Rektum, hyperplastisch imponierend, belassen.
        yes|3|transverse,sigmoid|7||Transversum: 2 Polypen (4 und 7 mm), Sigma: 1 Polyp (3 mm), alle kalt abgetragen.
        no|0||||Der im CT beschriebene Polyp konnte nicht bestätigt werden. Kolon unauffällig.
        no|0||||Mutter mit Kolonpolypen. Befund: Kolon frei.
        yes|1|ascending|20|flat|Colon ascendens: flach erhabene Läsion (Paris IIa), 20 mm, Piecemeal-EMR.
        yes|1|transverse|9||Beurteilung: Adenom im Querkolon, 9 mm, abgetragen.
        no|0||||Kein Polyp, kein Tumor, keine Entzündung.
        no|0||||Weder Polypen noch Divertikel.
        yes|1|rectum|3||Keine weiteren Polypen außer dem 3 mm kleinen im Rektum.
        no|0||||Sollten Polypen gefunden werden, werden diese abgetragen.\nBefund: Dickdarm ohne Polypen.
        no|0||||Polypenfreies Kolon bei guter Sicht.
        yes|1|hepatic flexure|6||rechte Flexur: Polyp ca. 6 mm, abgetragen (Schlinge), geborgen
        no|0||||Zökum: o.B. Ascendens: o.B. Transversum: o.B. Descendens: o.B. Sigma: Divertikel. Rektum: o.B.
        uncertain||cecum|||Aufgrund der Verschmutzung sind Polypen im Zökum nicht auszuschließen.
        no|0||||Größere Polypen kann ich ausschließen, kleine Läsionen könnten übersehen worden sein. Kein Polyp gesehen.
        yes|1|sigmoid|15|subpedunculated|Im Sigma bei 25 cm ein 15 mm großer, breit gestielter Polyp (Paris Isp); Abtragung in toto.
        yes|2|sigmoid|5||Sigma 2 Polypen, max 5 mm, Zange.
        no|0||||Beim Vater Darmpolypen. Eigene Koloskopie heute ohne pathologischen Befund.
        no|0||||Residuen nach EMR nicht vorhanden, Narbe bei 30 cm reizlos.
        yes|1|rectum|4||Im Rektum kleiner, 4 mm messender Polyp, mit der Zange abgetragen; sonst unauffälliger Befund.
        no|0||||In allen einsehbaren Abschnitten keine Polypen, keine Divertikel, keine Entzündung.
        no|0||||Anamnestisch Polypenabtragung 2018. Jetzt kein Rezidiv, keine neuen Polypen.
        uncertain||descending|5||Im Descendens fragliche 5 mm große polypoide Struktur, möglicherweise nur Faltenkamm.
        yes|2|cecum,sigmoid|10|sessile,pedunculated|1. Zökum: sessiler Polyp, 4 mm, Zange.\n2. Sigma: gestielter Polyp, 10 mm, Schlinge.
        no|0||||Die im Vorbefund genannten Polypen waren heute nicht mehr vorhanden.
        no|0||||Magen: zwei Polypen. Kolon: o. B.
        yes|1|ascending|3||Kleinster Polyp (3 mm) im Ascendens, PE-Abtragung.
        no|0||||Sehr geehrte Frau Kollegin, bei Ihrer Patientin fand sich erfreulicherweise kein Polyp.
        yes|3|transverse|||Drei Polypen im Querkolon, alle entfernt.
        no|0||||Narbe nach EMR im Coecum ohne Restadenom.
        yes|1|cecum|5||Narbe nach EMR im Coecum mit 5 mm Restadenom, Abtragung.
        no|0||||Aufgeklärt über die Möglichkeit einer Polypektomie. Untersuchung bis ins terminale Ileum, regelrechter Befund.
        """#
}
