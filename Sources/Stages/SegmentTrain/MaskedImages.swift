import Imaging

/// From the ledger to images with masks.
enum MaskedImages {
    /// What to do where there are none of split train.
    static func missing(_ labels: SegmentTrainSettings.Source, stage: String) -> String {
        switch labels {
        case .truth: "training from truth needs studies of split train with a report that says yes: see the labels stage"
        case .camMask, .toCoMask, .samMask:
            "stage \(stage): no image of split train has a mask whose box was kept; look at the overlays of the step that drew them"
        }
    }

    /// Images with a mask, or, for truth, that may have one: the coordinator does not see the archive.
    static func byCentre(
        split: String, settings: SegmentTrainSettings, view: any PlanningView
    ) throws -> [ItemList] {
        switch settings.labels {
        case .truth:
            return try TrainingBags.byCentre(split: split, maxImages: .max, minimumImages: 1, view: view).map { list in
                ItemList(
                    centre: list.centre,
                    items: list.bags.filter { $0.label == 1 }.flatMap { bag in
                        bag.images.map { ItemList.Item(study: bag.study, image: $0, label: 1) }
                    })
            }.filter { !$0.items.isEmpty }
        case .camMask, .toCoMask, .samMask: return try kept(split: split, view: view)
        }
    }

    /// Images with a mask of the one step that is read, as far as it is worth learning from.
    private static func kept(split: String, view: any PlanningView) throws -> [ItemList] {
        guard let source = view.source(.masks) else { return [] }
        let wanted = try StudyChoice(splits: [split], studies: .all, view: view)
        let kept = try KeptMasks(of: source, among: wanted, view: view).masks
        return Dictionary(grouping: kept, by: { $0.key[0] }).sorted { $0.key < $1.key }.map { centre, masks in
            ItemList(
                centre: centre,
                items: masks.map { ItemList.Item(study: $0.key[1], image: $0.key[2], label: 1, mask: $0.value) }
                    .sorted { ($0.study, $0.image) < ($1.study, $1.image) })
        }
    }

    /// Images of studies of split train whose report says no, drawn by the job's seed: of each centre `share` times as many
    /// as it has images with a mask, or all that there are.
    static func negatives(
        beside lists: [ItemList], share: Double, view: any PlanningView
    ) throws -> [String: [ItemList.Item]] {
        guard share > 0 else { return [:] }
        let bags = Dictionary(
            uniqueKeysWithValues: try TrainingBags.byCentre(split: "train", maxImages: .max, minimumImages: 1, view: view)
                .map { ($0.centre, $0.bags) })
        var negatives: [String: [ItemList.Item]] = [:]
        for list in lists {
            let all = (bags[list.centre] ?? []).filter { $0.label == 0 }.flatMap { bag in
                bag.images.map { ItemList.Item(study: bag.study, image: $0, label: 0) }
            }
            var generator = Seed(view.seed).derived(view.step.name, "negatives", list.centre).generator
            let wanted = Int((share * Double(list.items.count)).rounded(.up))
            negatives[list.centre] = generator.shuffled(all).prefix(wanted).sorted { ($0.study, $0.image) < ($1.study, $1.image) }
        }
        return negatives
    }
}
