import Foundation
import Imaging
import Testing

@Suite struct ResizingTests {
    /// A 9×7 picture that any language computes; the expected values below are Pillow 13's and PyTorch 2.13's.
    private func formula() throws -> Image8 {
        var pixels = [UInt8]()
        for y in 0..<7 {
            for x in 0..<9 { pixels.append(UInt8((x * 37 + y * 59 + (x * y * 13) % 41) % 256)) }
        }
        return try Image8(width: 9, height: 7, channels: 1, pixels: pixels)
    }

    @Test func everyPillowFilterGivesItsBytes() throws {
        let expected: [(PillowFilter, [UInt8])] = [
            (
                .nearest,
                [
                    59, 109, 109, 159, 209, 218, 218, 12, 62, 71, 71, 121, 177, 253, 253, 32, 67, 102, 102, 137,
                    172, 207, 207, 242, 39, 100, 100, 120, 181, 201, 201, 6, 26, 46, 46, 107,
                ]
            ),
            (
                .box,
                [
                    30, 73, 73, 117, 160, 183, 183, 99, 142, 37, 37, 81, 177, 154, 154, 104, 67, 88, 88, 123, 172,
                    122, 122, 143, 69, 136, 136, 163, 210, 108, 108, 27, 54, 80, 80, 127,
                ]
            ),
            (
                .bilinear,
                [
                    51, 81, 114, 137, 132, 145, 127, 89, 125, 87, 76, 101, 162, 165, 139, 93, 84, 96, 108, 118,
                    151, 140, 140, 157, 102, 107, 122, 147, 183, 146, 97, 62, 85, 74, 80, 104,
                ]
            ),
            (
                .hamming,
                [
                    44, 80, 101, 132, 146, 163, 148, 85, 129, 72, 64, 95, 174, 179, 158, 85, 70, 89, 102, 126,
                    168, 150, 150, 169, 86, 111, 125, 148, 195, 139, 103, 44, 72, 70, 79, 112,
                ]
            ),
            (
                .bicubic,
                [
                    40, 75, 117, 140, 132, 151, 129, 83, 129, 84, 71, 104, 173, 174, 142, 88, 72, 90, 107, 120,
                    160, 143, 140, 159, 101, 105, 119, 147, 195, 153, 91, 57, 85, 70, 76, 105,
                ]
            ),
            (
                .lanczos,
                [
                    35, 73, 130, 142, 129, 151, 123, 80, 126, 87, 73, 109, 176, 177, 142, 87, 67, 92, 108, 117,
                    157, 142, 138, 160, 102, 102, 109, 146, 199, 162, 87, 63, 90, 68, 71, 103,
                ]
            ),
        ]
        for (filter, values) in expected {
            #expect(try formula().resized(width: 12, height: 3, filter: filter).pixels == values, "\(filter)")
            // A colour picture of three equal channels is the same three times.
            let colour = try formula().rgb().resized(width: 12, height: 3, filter: filter)
            #expect(colour.pixels.count == 108)
            for channel in 0..<3 {
                #expect(values.indices.allSatisfy { colour.pixels[3 * $0 + channel] == values[$0] }, "\(filter)")
            }
        }
        #expect(expected.count == PillowFilter.allCases.count)
    }

    @Test func otherPyTorchModes() throws {
        let source = FloatImage(try formula())
        let nearest: [Float] = [
            0, 0, 37, 74, 111, 111, 148, 185, 222, 222, 3, 40, 118, 118, 181, 203, 10, 10, 32, 54, 117, 117, 139,
            161, 236, 236, 28, 76, 124, 124, 131, 179, 227, 227, 19, 26,
        ]
        #expect(try source.interpolated(width: 12, height: 3, mode: .nearest).values == nearest)
        let bicubic: [Float] = [
            0.0, 23.74, 54.235, 82.479, 106.385, 133.378, 162.622, 191.057, 236.89, 100.686, -11.436, 40.0, 177.0,
            257.896, 158.541, 16.651, 61.192, 88.168, 115.832, 141.365, 163.98, 190.696, 219.543, 242.0, 98.0,
            149.916, 191.53, 217.755, 248.31, 91.011, -0.232, 52.116, 73.438, 98.628, 125.826, 147.0,
        ]
        let ours = try source.interpolated(width: 12, height: 3, mode: .bicubic(alignCorners: true)).values
        #expect(zip(ours, bicubic).allSatisfy { abs($0 - $1) < 2e-3 })
        let corners = try source.interpolated(width: 2, height: 1, mode: .bilinear(alignCorners: true)).values
        #expect(corners == [0.0, 40.0])
    }

    @Test func openCVHalvesByMeansAndTakesUpperLeftPixels() throws {
        let image = try Image8(width: 4, height: 2, channels: 1, pixels: [0, 1, 10, 20, 2, 3, 30, 41])
        #expect(try image.resized(width: 2, height: 1, openCV: .linear).pixels == [2, 25])
        #expect(try image.resized(width: 2, height: 1, openCV: .nearest).pixels == [0, 10])
        #expect(try image.resized(width: 4, height: 2, openCV: .linear) == image)
    }

    @Test func flatPicturesStayFlat() throws {
        let flat = Image8(width: 31, height: 17, channels: 3, fill: 255)
        for filter in PillowFilter.allCases {
            for (width, height) in [(1, 1), (64, 40), (7, 90)] {
                let result = try flat.resized(width: width, height: height, filter: filter)
                #expect(result.pixels.allSatisfy { $0 == 255 } && result.width == width && result.height == height)
            }
        }
    }

    @Test func senselessSizesAreRefused() throws {
        let image = try formula()
        #expect(throws: ImagingError.self) { try image.resized(width: 0, height: 4, filter: .bilinear) }
        #expect(throws: ImagingError.self) { try image.resized(width: 3, height: -4, openCV: .linear) }
        #expect(throws: ImagingError.self) { try FloatImage(image).interpolated(width: 0, height: 1, mode: .nearest) }
    }

    /// The main job resizes every still: measured at 1.6 to 2.2 ms on one core of a Zen 5; ten times that is a fault.
    @Test func resizingIsFast() throws {
        let image = Image8(width: 384, height: 288, channels: 3, fill: 7)
        for size in [512, 224, 128] {
            let clock = ContinuousClock()
            var best = Duration.seconds(1)
            for _ in 0..<20 {
                best = min(
                    best, try clock.measure { _ = try image.resized(width: size, height: size, filter: .bilinear) })
            }
            print("384×288 → \(size)×\(size): \(best)")
            #expect(best < .milliseconds(20))
        }
    }
}
