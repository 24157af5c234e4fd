import Foundation
import NeuralNetwork
import Testing

@Suite struct ParameterAlgebraTests {
    let algebra: ParameterAlgebra

    init() throws { algebra = try ParameterAlgebra.open(measuringDefaultCore: true) }

    @Test func reportsTheCoreInUse() {
        let report = algebra.report
        #expect(report.configuration.contains("OpenBLAS"))
        #expect(!report.core.isEmpty)
        switch report.choice {
        case .byUser:
            #expect(report.defaultCore == nil)
        case .byLibrary:
            #expect(report.defaultCore == report.core)
        case .forced:
            #expect(report.defaultCore != report.core)
            #expect(report.processorHasAVX512)
            #expect(report.core == "SkylakeX")
        }
        if report.processorHasAVX512, report.choice != .byUser {
            #expect(["SkylakeX", "Cooperlake", "SapphireRapids"].contains(report.core))
        }
        #expect(algebra.measuredGFLOPS(repeats: 2) > 1)
    }

    @Test func vectorsByHand() {
        var y: [Float] = [1, 2, 3, 4, 5]
        algebra.add(2, times: [1, 0, -1, 0.5, 10], to: &y)
        #expect(y == [3, 2, 1, 5, 25])
        algebra.scale(&y, by: -0.5)
        #expect(y == [-1.5, -1, -0.5, -2.5, -12.5])
        #expect(algebra.norm([3, 4]) == 5)
        #expect(algebra.norm([]) == 0)
        #expect(algebra.dot([1, 2, 3], [4, -5, 6]) == 12)
    }

    @Test func productMatchesPlainLoops() {
        let (m, n, k) = (5, 7, 3)
        let a = (0..<m * k).map { Float($0 % 5) - 2 }
        let b = (0..<k * n).map { Float($0 % 7) - 3 }
        var expected = [Float](repeating: 0, count: m * n)
        for i in 0..<m {
            for j in 0..<n {
                for l in 0..<k { expected[i * n + j] += a[i * k + l] * b[l * n + j] }
            }
        }
        #expect(algebra.product(a, b, m: m, n: n, k: k) == expected)
    }

    @Test func threadsCanBeSet() {
        let before = algebra.threads
        algebra.threads = 2
        #expect(algebra.threads == 2)
        algebra.threads = before
        #expect(algebra.threads == before)
    }

    @Test func aMissingLibraryIsAClearError() {
        #expect {
            try ParameterAlgebra.open(library: "/nowhere/libopenblas.so.0", measuringDefaultCore: false)
        } throws: { error in
            (error as? ParameterError)?.code == .missingLibrary
                && "\(error)".contains("/nowhere/libopenblas.so.0") && "\(error)".contains("ENDOKED_OPENBLAS")
        }
    }
}
