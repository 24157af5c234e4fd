/// A Gaussian filter over points of a space with a few dimensions, in time linear in their number (Adams, Baek and Davis,
/// "Fast high-dimensional filtering using the permutohedral lattice", Computer Graphics Forum 29 (2), 2010).
///
/// Points lie in a space scaled so that the Gaussian has deviation 1 in each dimension. Each shares its value out over the
/// corners of the lattice simplex it lies in, corners are blurred along the lattice's axes, and each point gathers from its
/// corners again. Two values a point are filtered at once.
package struct PermutohedralLattice {
    package typealias Pair = SIMD2<Float>

    private let axes: Int
    /// Of each point, one after another, its corners, counted from 1, and the share of each.
    private let corners: [Int32]
    private let shares: [Float]
    /// For each axis and each corner the two corners beside it, 0 where there is none.
    private let neighbours: [Int32]
    private let cornerCount: Int

    /// - Parameter points: `dimensions` coordinates a point, one point after another.
    package init(points: [Float], dimensions: Int) {
        axes = dimensions + 1
        var builder = LatticeBuilder(dimensions: dimensions, count: points.count / dimensions)
        points.withUnsafeBufferPointer { points in
            for index in 0..<points.count / dimensions {
                builder.add(UnsafeBufferPointer(rebasing: points[index * dimensions..<(index + 1) * dimensions]))
            }
        }
        corners = builder.corners
        shares = builder.shares
        cornerCount = builder.cornerCount
        neighbours = builder.neighbours()
    }

    /// Σ_j exp(−½‖p_i − p_j‖²)·x_j for every point i, up to a common factor, itself included.
    package func filtered(_ x: [Pair]) -> [Pair] {
        var old = [Pair](repeating: .zero, count: cornerCount + 1)
        var new = old
        x.withUnsafeBufferPointer { x in
            old.withUnsafeMutableBufferPointer { old in
                for (point, value) in x.enumerated() {
                    for place in point * axes..<(point + 1) * axes { old[Int(corners[place])] += shares[place] * value }
                }
            }
        }
        neighbours.withUnsafeBufferPointer { neighbours in
            for axis in 0..<axes {
                let beside = UnsafeBufferPointer(rebasing: neighbours[2 * cornerCount * axis..<2 * cornerCount * (axis + 1)])
                old.withUnsafeBufferPointer { old in
                    new.withUnsafeMutableBufferPointer { new in
                        for corner in 0..<cornerCount {
                            let both = old[Int(beside[2 * corner])] + old[Int(beside[2 * corner + 1])]
                            new[corner + 1] = old[corner + 1] + 0.5 * both
                        }
                    }
                }
                swap(&old, &new)
            }
        }
        // The blur along all axes has this gain more than the paper's Gaussian.
        let gain = 1 / (1 + Float(sign: .plus, exponent: 1 - axes, significand: 1))
        return old.withUnsafeBufferPointer { old in
            x.indices.map { point in
                var sum = Pair.zero
                for place in point * axes..<(point + 1) * axes { sum += shares[place] * old[Int(corners[place])] }
                return sum * gain
            }
        }
    }
}

/// Finds points' simplices, and numbers the corners that occur.
private struct LatticeBuilder {
    private let dimensions: Int
    private(set) var corners: [Int32] = []
    private(set) var shares: [Float] = []
    /// Coordinates of the corners that occur; the last one of each follows from the others.
    private var keys: [Int32] = []
    /// Open addressing: numbers of corners from 1 on, 0 is free. Its length is a power of two.
    private var table = [Int32](repeating: 0, count: 1 << 12)
    private let scale: [Float]
    private var elevated: [Float]
    private var nearest: [Int]
    private var rank: [Int]
    private var barycentric: [Float]
    private var key: [Int32]

    init(dimensions: Int, count: Int) {
        self.dimensions = dimensions
        // Splatting, blurring and slicing together have the deviation √(2/3)·(d + 1) in the lattice's own units.
        let deviation = (2.0 / 3.0).squareRoot() * Double(dimensions + 1)
        scale = (0..<dimensions).map { Float(deviation / Double(($0 + 1) * ($0 + 2)).squareRoot()) }
        elevated = [Float](repeating: 0, count: dimensions + 1)
        nearest = [Int](repeating: 0, count: dimensions + 1)
        rank = nearest
        barycentric = [Float](repeating: 0, count: dimensions + 2)
        key = [Int32](repeating: 0, count: dimensions)
        corners.reserveCapacity(count * (dimensions + 1))
        shares.reserveCapacity(count * (dimensions + 1))
    }

    var cornerCount: Int { keys.count / dimensions }

    /// Finds the simplex of a point, and its share of each corner.
    mutating func add(_ point: UnsafeBufferPointer<Float>) {
        lift(point)
        let excess = round()
        order(excess)
        let unit = 1 / Float(dimensions + 1)
        for index in barycentric.indices { barycentric[index] = 0 }
        for axis in 0...dimensions {
            let part = (elevated[axis] - Float(nearest[axis])) * unit
            barycentric[dimensions - rank[axis]] += part
            barycentric[dimensions + 1 - rank[axis]] -= part
        }
        barycentric[0] += 1 + barycentric[dimensions + 1]
        for remainder in 0...dimensions {
            for axis in 0..<dimensions {
                let step = rank[axis] <= dimensions - remainder ? remainder : remainder - dimensions - 1
                key[axis] = Int32(truncatingIfNeeded: nearest[axis] + step)
            }
            corners.append(number(of: key))
            shares.append(barycentric[remainder])
        }
    }

    /// The point in the plane of d + 1 dimensions whose coordinates sum to zero.
    private mutating func lift(_ point: UnsafeBufferPointer<Float>) {
        var sum: Float = 0
        for axis in stride(from: dimensions, through: 1, by: -1) {
            let scaled = point[axis - 1] * scale[axis - 1]
            elevated[axis] = sum - Float(axis) * scaled
            sum += scaled
        }
        elevated[0] = sum
    }

    /// The nearest multiples of d + 1; returns by how many multiples their sum is off zero.
    private mutating func round() -> Int {
        var excess = 0
        for axis in 0...dimensions {
            let multiple = Int((elevated[axis] / Float(dimensions + 1)).rounded())
            nearest[axis] = multiple * (dimensions + 1)
            excess += multiple
        }
        return excess
    }

    /// Ranks of the distances to the multiples, which name the simplex; wraps those that the excess pushes out of 0…d.
    private mutating func order(_ excess: Int) {
        for axis in 0...dimensions { rank[axis] = excess }
        for one in 0..<dimensions {
            let distance = elevated[one] - Float(nearest[one])
            for other in one + 1...dimensions {
                if distance < elevated[other] - Float(nearest[other]) { rank[one] += 1 } else { rank[other] += 1 }
            }
        }
        for axis in 0...dimensions {
            if rank[axis] < 0 {
                rank[axis] += dimensions + 1
                nearest[axis] += dimensions + 1
            } else if rank[axis] > dimensions {
                rank[axis] -= dimensions + 1
                nearest[axis] -= dimensions + 1
            }
        }
    }

    /// For each axis and corner the corners one step down and one step up.
    mutating func neighbours() -> [Int32] {
        var made = [Int32](repeating: 0, count: 2 * cornerCount * (dimensions + 1))
        var (down, up) = (key, key)
        for axis in 0...dimensions {
            for corner in 0..<cornerCount {
                for other in 0..<dimensions {
                    let step = Int32(other == axis ? -dimensions : 1)
                    down[other] = keys[corner * dimensions + other] - step
                    up[other] = keys[corner * dimensions + other] + step
                }
                let place = 2 * (axis * cornerCount + corner)
                made[place] = table[slot(of: down)]
                made[place + 1] = table[slot(of: up)]
            }
        }
        return made
    }

    /// The number of a corner, a new one where it has none yet.
    private mutating func number(of key: [Int32]) -> Int32 {
        let place = slot(of: key)
        if table[place] != 0 { return table[place] }
        keys.append(contentsOf: key)
        let number = Int32(cornerCount)
        table[place] = number
        if cornerCount * 2 > table.count { grow() }
        return number
    }

    private mutating func grow() {
        table = [Int32](repeating: 0, count: table.count * 2)
        for corner in 0..<cornerCount {
            table[slot(of: Array(keys[corner * dimensions..<(corner + 1) * dimensions]))] = Int32(corner + 1)
        }
    }

    /// Where a corner stands in the table, or would.
    private func slot(of key: [Int32]) -> Int {
        var hash: UInt64 = 0
        for coordinate in key { hash = (hash ^ UInt64(UInt32(bitPattern: coordinate))) &* 0x9E37_79B9_7F4A_7C15 }
        var place = Int(truncatingIfNeeded: hash >> 20) & (table.count - 1)
        while table[place] != 0 {
            let first = Int(table[place] - 1) * dimensions
            var isSame = true
            for index in 0..<dimensions where keys[first + index] != key[index] { isSame = false }
            if isSame { return place }
            place = (place + 1) & (table.count - 1)
        }
        return place
    }
}
