public import PolluxCore

/// An invented account that the simulated Gemini Business knows. Nothing here is ever a real credential.
public struct BusinessAccount: Sendable, Equatable {
    /// The index of the signed-in session, a decimal string.
    public var csesidx: String
    /// The workspace, a UUID.
    public var configID: String
    /// The cookie `__Secure-C_SES`.
    public var secureCSES: String
    /// The cookie `__Host-C_OSES`; without one, `list-sessions` answers 401.
    public var hostCOSES: String?
    /// The label that `list-sessions` shows as the user's name.
    public var label: String
    /// Whether `getoxsrf` goes the long way over `refreshcookies` until the client sends the cookie it got there
    /// (protocol notes, section 3.3).
    public var isRedirected: Bool
    /// Whether that way ends at `setocookie`, which then answers the key itself.
    public var hasShortWay = false
    /// Whether the cookies have died: no key is given out any more, and tokens made with earlier keys are refused.
    public var isExpired: Bool

    public init(
        csesidx: String, configID: String, secureCSES: String, hostCOSES: String? = nil, label: String? = nil,
        isRedirected: Bool = false, isExpired: Bool = false
    ) {
        (self.csesidx, self.configID, self.secureCSES) = (csesidx, configID, secureCSES)
        (self.hostCOSES, self.isRedirected, self.isExpired) = (hostCOSES, isRedirected, isExpired)
        self.label = label ?? "ops\(csesidx.suffix(1))@example.org"
    }

    /// Reads `CSESIDX:CONFIG_ID:C_SES[:C_OSES[:redirected]]`; an empty C_OSES is none.
    ///
    /// - Throws: `invalidRequest` with the form that is right.
    public init(_ text: String) throws(GatewayError) {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        guard (3...5).contains(fields.count), !fields[1].isEmpty, !fields[2].isEmpty, Self.isDecimal(fields[0]),
            fields.count < 5 || fields[4] == "redirected"
        else {
            throw .invalid(
                nil,
                "an account is CSESIDX:CONFIG_ID:C_SES:C_OSES with a decimal CSESIDX, for example "
                    + "498000001:0cd0aa00-0000-4000-8000-00000000c0de:CSE.Ad-invented:COS.Af-invented")
        }
        self.init(
            csesidx: fields[0], configID: fields[1], secureCSES: fields[2],
            hostCOSES: fields.count > 3 && !fields[3].isEmpty ? fields[3] : nil, isRedirected: fields.count == 5)
    }

    /// Reads an element of `POST /__sim/accounts`, in the field names of `accounts.json`.
    ///
    /// - Throws: `invalidRequest` naming what is missing.
    init(_ json: JSON) throws(GatewayError) {
        guard let csesidx = json["csesidx"]?.string ?? json["csesidx"]?.int.map({ String($0) }),
            Self.isDecimal(csesidx), let configID = json["config_id"]?.string, let cookie = json["secure_c_ses"]?.string
        else {
            throw .invalid(
                nil,
                "an account needs csesidx (digits), config_id and secure_c_ses; "
                    + "host_c_oses, id, redirected and expired are optional")
        }
        self.init(
            csesidx: csesidx, configID: configID, secureCSES: cookie, hostCOSES: json["host_c_oses"]?.string,
            label: json["id"]?.string,
            isRedirected: json["redirected"]?.bool ?? (json["redirected"]?.string == "short"),
            isExpired: json["expired"]?.bool ?? false)
        hasShortWay = json["redirected"]?.string == "short"
    }

    /// Invented accounts, numbered from 498000001.
    public static func samples(_ count: Int) -> [BusinessAccount] {
        (1...max(1, count)).map { number in
            let digits = String(1000 + number).dropFirst()
            return BusinessAccount(
                csesidx: "498000\(digits)", configID: "0cd0aa00-0000-4000-8000-00000000c\(digits)",
                secureCSES: "CSE.Ad-invented-\(digits)", hostCOSES: "COS.Af-invented-\(digits)",
                label: "ops\(number)@example.org")
        }
    }

    /// `CSESIDX:CONFIG_ID:C_SES:C_OSES`, as the command line takes it.
    public var text: String {
        "\(csesidx):\(configID):\(secureCSES):\(hostCOSES ?? "")" + (isRedirected ? ":redirected" : "")
    }

    var json: JSON {
        [
            "csesidx": .string(csesidx), "config_id": .string(configID), "secure_c_ses": .string(secureCSES),
            "host_c_oses": hostCOSES.map { .string($0) } ?? .null, "id": .string(label),
            "redirected": isRedirected && hasShortWay ? "short" : .bool(isRedirected), "expired": .bool(isExpired),
        ]
    }

    private static func isDecimal(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
