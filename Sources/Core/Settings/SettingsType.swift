/// A type a settings value can have: how it is read from a node, and how it is written and described.
///
/// The accessors of `SettingsMap` cover the usual ones; a kind with a notation of its own makes one with
/// `custom` and reads it with `SettingsMap.value`.
public struct SettingsType<Value: Sendable>: Sendable {
    /// For messages and tables, such as "duration".
    public let name: String
    /// The allowed range as an operator would write it, such as `1s...10m`.
    public let range: String?
    public let choices: [String]
    public let isSecret: Bool
    /// Nil after a problem, which is in the report by then.
    let read: @Sendable (SettingsNode, SettingsSite) -> Value?
    /// The value as it would stand in the file.
    let write: @Sendable (Value) -> String

    init(
        name: String, range: String? = nil, choices: [String] = [], isSecret: Bool = false,
        read: @escaping @Sendable (SettingsNode, SettingsSite) -> Value?,
        write: @escaping @Sendable (Value) -> String
    ) {
        self.name = name
        self.range = range
        self.choices = choices
        self.isSecret = isSecret
        self.read = read
        self.write = write
    }
}

/// What is wrong with one value, and what to write instead.
public struct SettingsProblem: Error, Sendable, Equatable {
    public let message: String

    public init(_ message: String) {
        self.message = message
    }
}

// MARK: - Built from others

extension SettingsType {
    /// A value written as one piece of text in a notation of its own.
    ///
    /// - Parameters:
    ///   - name: Without an article, such as "rate (60/1m)": messages say "expected a rate (60/1m)".
    ///   - parse: Throws what is wrong with the text. When the text came from the environment, a general message
    ///     that does not hold it takes the place of the thrown one.
    public static func custom(
        _ name: String, write: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (String) throws(SettingsProblem) -> Value
    ) -> SettingsType {
        scalar(name, write: { SettingsText.yaml(write($0)) }) { scalar throws(SettingsProblem) in
            do throws(SettingsProblem) {
                return try parse(scalar.text)
            } catch {
                if scalar.template == nil { throw error }
                throw SettingsProblem("\(scalar.shown) is not \(name.withArticle)")
            }
        }
    }

    /// The same type, where one word such as `auto` stands for "not set by hand" (nil).
    public func orWord(_ word: String) -> SettingsType<Value?> {
        SettingsType<Value?>(
            name: "\(name) or \(word)", range: range, choices: choices, isSecret: isSecret,
            read: { node, site in
                if case .scalar(let scalar) = node.content, scalar.text == word { return .some(nil) }
                return self.read(node, site.adding(hint: "; or write \(word)")).map(Optional.some)
            },
            write: { $0.map(self.write) ?? SettingsText.yaml(word) })
    }

    /// A list of this type.
    public static func list<Element>(of type: SettingsType<Element>) -> SettingsType where Value == [Element] {
        SettingsType(
            name: "list of \(type.name.plural)", range: type.range, choices: type.choices, isSecret: type.isSecret,
            read: { node, site in
                switch node.content {
                case .absent: return []
                case .sequence(let nodes): return elements(nodes, of: type, site)
                default:
                    site.report(node, expected: "a list of \(type.name.plural), such as [a, b]")
                    return nil
                }
            },
            write: { "[" + $0.map(type.write).joined(separator: ", ") + "]" })
    }

    /// One value of this type, or a list of them.
    public static func oneOrMany<Element>(of type: SettingsType<Element>) -> SettingsType where Value == [Element] {
        let list = list(of: type)
        return SettingsType(
            name: "\(type.name) or list", range: type.range, choices: type.choices, isSecret: type.isSecret,
            read: { node, site in
                guard case .scalar = node.content else { return list.read(node, site) }
                return type.read(node, site).map { [$0] }
            },
            write: { $0.count == 1 ? type.write($0[0]) : list.write($0) })
    }

    /// A mapping whose keys are free, such as header names.
    public static func dictionary<Element>(
        of type: SettingsType<Element>
    ) -> SettingsType where Value == [String: Element] {
        SettingsType(
            name: "mapping to \(type.name.plural)", range: type.range, choices: type.choices, isSecret: type.isSecret,
            read: { node, site in
                switch node.content {
                case .absent: return [:]
                case .mapping(let entries):
                    var values: [String: Element] = [:]
                    for entry in entries {
                        values[entry.key] = type.read(entry.value, site.below(key: entry.key))
                    }
                    return values
                default:
                    site.report(node, expected: "a mapping (key: value)")
                    return nil
                }
            },
            write: { values in
                let pairs = values.sorted { $0.key < $1.key }.map { key, value in
                    "\(SettingsText.yaml(key)): \(type.write(value))"
                }
                return "{" + pairs.joined(separator: ", ") + "}"
            })
    }

    private static func elements<Element>(
        _ nodes: [SettingsNode], of type: SettingsType<Element>, _ site: SettingsSite
    ) -> [Element] {
        nodes.enumerated().compactMap { index, node in type.read(node, site.below(index: index)) }
    }

    /// A type written as one scalar; `parse` sees only scalars.
    static func scalar(
        _ name: String, range: String? = nil, choices: [String] = [], isSecret: Bool = false,
        write: @escaping @Sendable (Value) -> String,
        parse: @escaping @Sendable (SettingsScalar) throws(SettingsProblem) -> Value
    ) -> SettingsType {
        SettingsType(
            name: name, range: range, choices: choices, isSecret: isSecret,
            read: { node, site in
                guard case .scalar(let scalar) = node.content else {
                    site.report(node, expected: name.withArticle)
                    return nil
                }
                do throws(SettingsProblem) {
                    return try parse(scalar)
                } catch {
                    site.report(node, error.message)
                    return nil
                }
            },
            write: write)
    }
}

// MARK: - Reporting

/// The key path of the value being read, and the report it belongs to.
struct SettingsSite: Sendable {
    let path: String
    let issues: SettingsIssues
    /// Ends every message: what else may be written.
    var hint = ""

    func below(key: String) -> SettingsSite {
        SettingsSite(path: path.appending(settingsKey: key), issues: issues, hint: hint)
    }

    func below(index: Int) -> SettingsSite {
        SettingsSite(path: path.appending(settingsIndex: index), issues: issues, hint: hint)
    }

    func adding(hint: String) -> SettingsSite {
        SettingsSite(path: path, issues: issues, hint: self.hint + hint)
    }

    func report(_ node: SettingsNode, _ message: String) {
        issues.report(.error, at: node.position, path: path, message + hint)
    }

    /// Reports a value of the wrong shape, without showing it: it may be a secret that slipped to the wrong place.
    func report(_ node: SettingsNode, expected: String) {
        switch node.content {
        case .unusable: break
        case .absent: report(node, "no value is given; expected \(expected), or remove the key")
        case .scalar: report(node, "expected \(expected), found text")
        case .mapping: report(node, "expected \(expected), found a mapping")
        case .sequence: report(node, "expected \(expected), found a list")
        }
    }
}
