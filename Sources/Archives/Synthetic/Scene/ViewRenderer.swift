import Imaging

/// Renders one view: geometry, colours and light, the distractors on the lens and in the lumen, camera, processor frame.
struct ViewRenderer {
    private let plan: ViewPlan
    private let noise: NoiseField.Reader
    private var generator: SeededGenerator

    init(plan: ViewPlan, noise: NoiseField.Reader) {
        self.plan = plan
        self.noise = noise
        generator = SeededGenerator(seed: plan.seed, stream: "view")
    }

    /// Nil when no place for the polyp was found that shows it at a fitting size: the caller draws another seed.
    mutating func render() -> SyntheticView? {
        var colon = Colon(using: &generator)
        let scope = Scope(using: &generator)
        if colon.wall(scope.place) < 0.25 { return nil }
        addBumps(to: &colon, scope: scope)
        let look = MucosaLook(
            patient: plan.patient, isNeoplastic: plan.polyp?.isNeoplastic ?? false,
            isSubtle: plan.polyp?.isSubtle ?? false, using: &generator)
        // A view without a polyp is asked for a place for one too, and all later draws come from streams of their own:
        // so the two kinds of view are alike in all but the polyp.
        let shape = plan.polyp ?? ViewPlan.PolypPlan(form: .sessile, isNeoplastic: false, isSubtle: false)
        guard place(shape, in: &colon, scope: scope) else { return nil }
        if plan.polyp == nil { colon.polyp = nil }
        let (width, height, frame) = (plan.width, plan.height, plan.frame)
        let geometry = GeometryBuffer(
            colon: colon, scope: scope, width: width, height: height, noise: noise,
            isSeen: { frame.shows(x: $0, y: $1, margin: 3) })
        var mask: Mask?
        if plan.polyp != nil {
            guard let found = polypMask(geometry) else { return nil }
            mask = found
        }
        var light = LightBuffer(width: width, height: height, geometry: geometry, frame: frame)
        light.shade(look: look, polypSize: colon.polyp?.radius ?? 0.3, scope: scope, noise, seed: plan.seed)
        var decoration = SeededGenerator(seed: plan.seed, stream: "distractors")
        light.addBubbles(using: &decoration)
        var camera = SeededGenerator(seed: plan.seed, stream: "camera")
        var image = light.expose(cast: plan.cast, noise: plan.noise, using: &camera)
        frame.finish(&image, seed: plan.seed)
        return SyntheticView(image: image, mask: mask, jpegQuality: camera.integer(72...93))
    }

    private mutating func addBumps(to colon: inout Colon, scope: Scope) {
        for _ in 0..<generator.integer(0...2) {
            let angle = Float(generator.uniform(0...6.283))
            let ray = scope.ray(PortableMath.cosine(angle) * 0.6, PortableMath.sine(angle) * 0.6)
            let size = Float(generator.uniform(0.12...0.3))
            let depth = colon.hit(from: scope.place, along: ray, noise)
            guard depth > 0.5, depth < 4 else { continue }
            let foot = scope.place + ray * depth
            colon.addBump(at: foot, up: colon.normal(foot, noise), radius: size)
        }
    }

    /// Puts the polyp on the wall where the scope sees it; false when no place fits.
    private mutating func place(_ polyp: ViewPlan.PolypPlan, in colon: inout Colon, scope: Scope) -> Bool {
        for _ in 0..<12 {
            // Mostly within the view, sometimes cut by its rim.
            let off = Float(generator.uniform(0...1)).squareRoot() * 0.85
            let angle = Float(generator.uniform(0...6.283))
            let ray = scope.ray(off * PortableMath.cosine(angle), off * PortableMath.sine(angle))
            let depth = colon.hit(from: scope.place, along: ray, noise)
            // A share of the picture's side, across.
            let share = Float(max(generator.uniform(0.16...0.42), generator.uniform(0.16...0.42)))
            let radius = share * depth / scope.magnification * 0.92
            guard depth > 0.35, depth < 2.6, radius > 0.07, radius < 0.5 else { continue }
            let foot = scope.place + ray * depth
            let up = colon.normal(foot, noise)
            guard up.dot(ray) < (polyp.form == .flat ? -0.4 : -0.12) else { continue }
            colon.polyp = PolypShape(
                form: polyp.form, foot: foot, up: up, radius: radius, isLobulated: polyp.isNeoplastic,
                using: &generator)
            if colon.distance(scope.place, noise).value > 0.12 { return true }
            colon.polyp = nil
        }
        return false
    }

    /// The polyp as it is seen; nil when it is too small, too large or hidden.
    private func polypMask(_ geometry: GeometryBuffer) -> Mask? {
        var bits = [Bool](repeating: false, count: plan.width * plan.height)
        var (area, shown) = (0, 0)
        for y in 0..<plan.height {
            for x in 0..<plan.width where plan.frame.shows(x: Float(x), y: Float(y), margin: 0) {
                shown += 1
                if geometry.read(x: x, y: y).polyp > 0.5 {
                    bits[y * plan.width + x] = true
                    area += 1
                }
            }
        }
        guard let mask = try? Mask(width: plan.width, height: plan.height, bits: bits), let box = mask.boundingBox
        else {
            return nil
        }
        let share = Double(max(box.width, box.height)) / Double(min(plan.width, plan.height))
        let fits = share > 0.12 && share < 0.5 && Double(area) / Double(max(shown, 1)) > 0.008
        return fits && ConnectedComponents(of: mask).components.filter { $0.area > 20 }.count == 1 ? mask : nil
    }
}
