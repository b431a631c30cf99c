import PolluxCore

/// The version, in one place.
public enum PolluxVersion {
    public static let text = "0.1.0"
}

struct VersionCommand: Command {
    let name = "version"
    let summary = "Print the version."
    let help = """
        Usage: pollux version

        Prints the version of this program.
        """
    let options: [CommandOption] = []

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        invocation.console.out("pollux \(PolluxVersion.text)")
        return 0
    }
}
