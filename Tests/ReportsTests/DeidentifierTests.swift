import Foundation
import Reports
import TestSupport
import Testing

@Suite struct DeidentifierTests {
    private static let deidentifier = Result { try Deidentifier() }

    private func check(_ text: String, hides: [String], keeps: [String] = []) throws {
        let result = try Self.deidentifier.get().deidentified(text)
        for word in hides { #expect(!result.contains(word), "\(word) is still there") }
        for word in keeps { #expect(result.contains(word), "\(word) was lost") }
    }

    @Test func english() throws {
        try check(
            "Patient: John O'Malley, DOB 3/4/61, MRN 123456\nEndoscopist: Dr. Maria del Carmen Ruiz\n5 mm polyp at 25 cm in the sigmoid, 2-3 mm polyps in the rectum, BBPS 3-3-2, seen in 2019.",
            hides: ["O'Malley", "3/4/61", "123456", "Maria", "Ruiz"],
            keeps: ["5 mm polyp at 25 cm in the sigmoid", "2-3 mm polyps in the rectum", "3-3-2", "2019"])
        try check(
            "SMITH, John A. / ID: AB-99-1234 / 1960-05-06\nFindings: 12 mm polyp cecum", hides: ["SMITH", "John", "AB-99-1234", "1960"],
            keeps: ["12 mm polyp cecum"])
        try check(
            "Dear Dr Patel,\nThank you for referring James Whitcombe (Hosp no: H-77 12 34, NHS 943 476 5919). Address: 12 Elm Tree Road, Leeds LS1 4AB\nNormal colonoscopy.\nYours sincerely,\nS. Okonkwo\nConsultant",
            hides: ["Patel", "Whitcombe", "77 12 34", "943 476", "Elm Tree", "Leeds", "Okonkwo"], keeps: ["Normal colonoscopy"])
        try check(
            "Colonoscopy performed by Kwame Mensah, assisted by Nurse Joy Adeyemi on 2024-01-31. Contact: +44 20 7946 0018, kwame@hospital.org. Polyp 6mm x 4mm ascending.",
            hides: ["Kwame", "Mensah", "Adeyemi", "2024-01-31", "7946", "hospital.org"], keeps: ["Polyp 6mm x 4mm ascending"])
        try check(
            "PATIENT: ROBERT JOHNSON MRN: 00998877\nENDOSCOPIST: DR. LEE\nCECUM: 4 MM POLYP.",
            hides: ["ROBERT", "JOHNSON", "00998877", "LEE"], keeps: ["CECUM: 4 MM POLYP"])
        try check(
            "Name: maria gonzalez lopez\nAge: 61\nDr Chen scoped. Sig polyp 1.2 cm Ip.", hides: ["maria", "gonzalez", "lopez", "Chen"],
            keeps: ["Sig polyp 1.2 cm Ip"])
    }

    @Test func aNameOnceFoundIsHiddenEverywhere() throws {
        try check(
            "Mrs. Anna-Lena Bäcker (born 12 March 1950) was seen. We told BÄCKER and her son.",
            hides: ["Anna-Lena", "Bäcker", "BÄCKER", "1950"])
    }

    @Test func german() throws {
        try check(
            "Sehr geehrter Herr Kollege Dr. Müller-Lüdenscheidt,\nwir berichten über Frau Erika Mustermann, geb. 01.02.1960, wohnhaft Hauptstraße 12, 12345 Berlin, Tel. 030/1234567.\nPolyp 5 mm im Sigma.\nMit freundlichen Grüßen\nDr. med. Karl Obermaier\nOberarzt",
            hides: ["Müller", "Erika", "Mustermann", "01.02.1960", "Hauptstraße", "12345", "030", "Obermaier"],
            keeps: ["Polyp 5 mm im Sigma"])
        try check(
            "Pat. Schmidt, Hans-Peter, *05.06.1948, Fall-Nr. 4711-0815. Untersucher: Prof. Dr. Ludwig von Hohenstein. 3 Polypen (2-4 mm).",
            hides: ["Schmidt", "Hans-Peter", "1948", "4711", "Hohenstein"], keeps: ["3 Polypen (2-4 mm)"])
    }

    @Test func chinese() throws {
        try check(
            "姓名：王小明 性别：男 年龄：50岁 门诊号：12345678 电话：13912345678\n检查医师：李华 审核医师：欧阳娜娜\n横结肠见一枚0.5cm息肉",
            hides: ["王小明", "12345678", "13912345678", "李华", "欧阳"], keeps: ["横结肠见一枚0.5cm息肉", "50岁"])
        try check(
            "患者张伟，男，45岁，住院号 A00123。由陈静医生操作，护士赵敏配合。乙状结肠距肛25cm见息肉。",
            hides: ["张伟", "A00123", "陈静", "赵敏"], keeps: ["乙状结肠距肛25cm见息肉"])
        try check(
            "受检者司马相如（病案号：B-20230517-03，出生日期：1970-01-02），联系电话010-88886666，家住北京市海淀区中关村大街1号。报告医师 诸葛亮",
            hides: ["司马相如", "20230517", "1970", "88886666", "中关村", "诸葛亮"])
    }

    @Test(.enabled(if: SharedFolder.isPresent, Comment(rawValue: SharedFolder.whySkipped)))
    func noIdentifierOfTheGivenReportsIsInAnyPrompt() throws {
        let deidentifier = try Self.deidentifier.get()
        var checked = 0
        for report in try GivenReport.all() {
            let prompt = deidentifier.deidentified(report.text)
            for identifier in report.identifiers {
                checked += 1
                #expect(!prompt.contains(identifier), "report \(report.id)")
            }
        }
        #expect(checked > 50)
    }
}
