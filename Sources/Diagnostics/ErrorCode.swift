/// Every error that a user can meet. The raw value is what is printed; the exit status follows from it.
public enum ErrorCode: String, Sendable, Codable, CaseIterable {
    // Command line and settings
    case badFlag = "DP-CLI-01"
    case badSetting = "DP-CLI-02"
    case unknownCode = "DP-CLI-03"
    // Input
    case inputMissing = "DP-IN-01"
    case inputUnreadable = "DP-IN-02"
    case corpusEmpty = "DP-IN-03"
    case nothingReadable = "DP-IN-04"
    case someUnreadable = "DP-IN-05"
    case workerMissing = "DP-IN-06"
    // Models
    case modelMissing = "DP-MODEL-01"
    case modelDamaged = "DP-MODEL-02"
    case modelUnsupported = "DP-MODEL-03"
    case modelHash = "DP-MODEL-04"
    case licenceNotAccepted = "DP-MODEL-05"
    // Context and memory
    case questionTooLong = "DP-CTX-01"
    case windowTooLarge = "DP-CTX-02"
    case memoryLimit = "DP-MEM-01"
    // Pipeline files
    case yamlSyntax = "DP-YAML-01"
    case yamlMissingKey = "DP-YAML-02"
    case yamlWrongType = "DP-YAML-03"
    case yamlBadValue = "DP-YAML-04"
    case yamlUnknownReference = "DP-YAML-05"
    case yamlRepeatedKey = "DP-YAML-06"
    case yamlUnknownKey = "DP-YAML-07"
    case yamlSecret = "DP-YAML-08"
    // Checks
    case checkFailed = "DP-CHECK-01"
    case quoteFailed = "DP-CHECK-02"
    // Storage
    case diskFull = "DP-DISK-01"
    case noPermission = "DP-DISK-02"
    case storeDamaged = "DP-DISK-03"
    case runLocked = "DP-RUN-01"
    // Network
    case download = "DP-NET-01"
    case networkOff = "DP-NET-02"
    // Stopping
    case interrupted = "DP-STOP-01"
    case timeLimit = "DP-STOP-02"
    case terminated = "DP-STOP-03"
    case someFailed = "DP-STOP-04"
    // Ours
    case internalError = "DP-BUG-01"

    /// The exit status that this error ends the program with.
    public var exit: ExitStatus {
        switch self {
        case .badFlag, .badSetting, .unknownCode: .usage
        case .yamlSyntax, .yamlMissingKey, .yamlWrongType, .yamlBadValue, .yamlUnknownReference, .yamlRepeatedKey,
            .yamlUnknownKey, .yamlSecret:
            .usage
        case .inputMissing, .inputUnreadable, .corpusEmpty, .nothingReadable, .someUnreadable, .workerMissing: .noInput
        case .modelMissing, .modelDamaged, .modelUnsupported, .modelHash, .licenceNotAccepted: .model
        case .questionTooLong, .windowTooLarge, .memoryLimit, .diskFull, .noPermission: .refused
        case .checkFailed, .quoteFailed: .checkFailed
        case .storeDamaged, .internalError: .internalError
        case .runLocked: .locked
        case .download, .networkOff: .remote
        case .interrupted: .interrupted
        case .timeLimit: .timeout
        case .terminated: .terminated
        case .someFailed: .partial
        }
    }
}
