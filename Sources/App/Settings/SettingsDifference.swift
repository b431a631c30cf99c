import PolluxAdmin
import PolluxCore

extension ReloadPlan {
    /// What differs between two settings, references replaced: a variable that changed is a change too.
    init(from old: SettingsNode, to new: SettingsNode, warnings: [SettingsIssue]) {
        self.init()
        providers = Self.difference("providers", old, new)
        sources = Self.difference("credential_sources", old, new)
        keys = Self.difference("keys", old, new)
        models = Self.difference("models", old, new, named: "id")
        let lists: Set = ["providers", "credential_sources", "keys", "models"]
        let (one, two) = (Self.entries(old), Self.entries(new))
        var names: [String] = []
        for name in (one + two).map(\.key) where !lists.contains(name) && !names.contains(name) {
            let (first, second) = (one.first { $0.key == name }?.value, two.first { $0.key == name }?.value)
            if let first, let second, first.says(theSameAs: second) { continue }
            names.append(name)
        }
        sections = names
        self.warnings = warnings.filter { $0.severity == .warning }.map(\.description)
    }

    private static func difference(
        _ list: String, _ old: SettingsNode, _ new: SettingsNode, named name: String = "name"
    ) -> Difference {
        let (one, two) = (elements(of: list, old, name), elements(of: list, new, name))
        var difference = Difference()
        for (name, node) in two {
            guard let known = one.first(where: { $0.name == name }) else {
                difference.added.append(name)
                continue
            }
            if !known.node.says(theSameAs: node) { difference.changed.append(name) }
        }
        difference.removed = one.map(\.name).filter { name in !two.contains { $0.name == name } }
        return difference
    }

    private static func elements(
        of list: String, _ node: SettingsNode, _ name: String
    ) -> [(name: String, node: SettingsNode)] {
        guard case .sequence(let elements)? = entries(node).first(where: { $0.key == list })?.value.content else {
            return []
        }
        return elements.compactMap { element in
            guard case .scalar(let scalar)? = entries(element).first(where: { $0.key == name })?.value.content else {
                return nil
            }
            return (scalar.text, element)
        }
    }

    private static func entries(_ node: SettingsNode) -> [SettingsEntry] {
        if case .mapping(let entries) = node.content { entries } else { [] }
    }
}
