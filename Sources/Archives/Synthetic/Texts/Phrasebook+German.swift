extension Phrasebook {
    static let german = Phrasebook(
        firstNames: [
            "Adelheid", "Bruno", "Carlotta", "Dietmar", "Edda", "Friedhelm", "Gudrun", "Hartwig", "Irmgard", "Jobst",
            "Klothilde",
            "Lothar", "Mechthild", "Norbert",
        ],
        lastNames: [
            "Ahrenswald", "Birkenfeld", "Dornkaat", "Eichstätter", "Finkenrath", "Grünebaum", "Holzapfel", "Immergut",
            "Kirschbaum",
            "Lindenau", "Morgenroth", "Nussbaumer", "Ostermoor", "Quellmalz",
        ],
        namePattern: "<first> <last>", doctorPattern: "Dr. med. <first> <last>",
        sites: [
            "Zökum", "Colon ascendens", "rechte Flexur", "Colon transversum", "Colon descendens", "Sigma", "Rektum",
        ],
        sessile: "{sessiler|breitbasiger|sessiler (0-Is)}",
        pedunculated: "{gestielter|gestielter (0-Ip)|langgestielter}",
        flat: "{flacher|flach erhabener (0-IIa)|flacher (IIa)}",
        openings: [
            "Patient: <name>, geb. <born>, Aufnahmenummer <id>\n",
            "Sehr geehrte Kollegin, sehr geehrter Kollege,\n\nwir berichten über <name>, geboren am <born>.\n",
            "Koloskopie vom <date>, Untersucher: <doctor>\n", "", "",
        ],
        indications: ["Indikation: {Vorsorge|Blut im Stuhl|Eisenmangel|Diarrhö}.", "Vorsorgekoloskopie.", ""],
        histories: [
            "Z. n. {Polypektomie|Abtragung zweier Adenome} <year>, Nachsorge.",
            "{Vater|Mutter|Bruder} mit {Kolonkarzinom|Polypen} in der Anamnese.",
        ],
        courses: [
            "Vorspiegeln bis ins {Zökum|terminale Ileum}, Vorbereitung {gut|sehr gut|ausreichend}.",
            "Komplette Koloskopie in {Propofolsedierung|Analgosedierung}, BBPS {6|7|8|9}.",
        ],
        positives: [
            "<site>: <form> Polyp, <size>, {mit der kalten Schlinge abgetragen|Schlingenektomie|EMR nach Unterspritzung}.",
            "Im Bereich <site> ein <form> Polyp von <size>, {abgetragen und geborgen|biopsiert}.",
            "Ein <form> Polyp (<size>, <site>) wird {entfernt|in toto abgetragen}.",
        ],
        furthers: ["Ein weiterer Polyp von <size2>, <site2>, {Zangenabtragung|abgetragen}."],
        negatives: [
            "{Kein Nachweis von Polypen|Keine Polypen} in allen Abschnitten.",
            "Schleimhaut durchgehend {unauffällig|reizlos}, keine Polypen, kein Tumor.",
            "Ein Polyp {fand sich nicht|ließ sich nicht nachweisen}.",
        ],
        uncertains: [
            "<site>: fragliche Vorwölbung von 4 mm, {Polyp nicht ausgeschlossen|Polyp oder Falte}, Biopsie.",
            "Verdacht auf kleinen Polypen, <site>, {im Rückzug nicht wiedergefunden|Histologie abwarten}.",
        ],
        others: ["Hämorrhoiden Grad {I|II}.", "{Einzelne|Reizlose} Divertikel im Sigma.", "", "", ""],
        positiveConclusions: ["Beurteilung: Polyp, {s. o.|s. Histologie}.", ""],
        negativeConclusions: ["Beurteilung: unauffällige Koloskopie.", "Beurteilung: kein Polyp.", ""],
        uncertainConclusions: ["Beurteilung: unklarer Befund, Histologie abwarten."],
        closings: [
            "Kontrolle in {3|5|10} Jahren.", "Mit freundlichen Grüßen\n<doctor>", "Rückfragen: Tel. <phone>", "",
        ],
        space: " ")
}
