import ArgumentParser
import ModelGraph
import ModelKit
import ModelSupport
import ModelTraining

/// How the command ends on an error: the one place where errors become exit codes.
struct Failure {
  let code: Int32
  /// `nil` for what ArgumentParser prints by itself: help, versions, usage.
  let message: String?
  private let error: any Error

  init(_ error: any Error) {
    self.error = error
    switch error {
    case let error as FileError:
      let failure = Failure(error.cause)
      (code, message) = (failure.code, failure.message.map { $0.hasPrefix(error.path) ? $0 : "\(error.path): \($0)" })
    case let error as FormatError:
      let pointer = error.location.file.flatMap { FormatRegistry.isPointer($0) ? $0 : nil }
      (code, message) = (65, pointer.map { "\($0): \(FormatRegistry.pointerExplanation)" } ?? error.description)
    case let error as GraphError: (code, message) = (65, error.description)
    case let error as StorageError: (code, message) = (error.exitCode, error.description)
    case let error as UnsupportedError: (code, message) = (69, error.description)
    case let error as ExecutionError: (code, message) = (error.exitCode, error.description)
    case let error as UsageError: (code, message) = (64, error.description)
    case let error as TensorError: (code, message) = (error.exitCode, error.description)
    case let error as TrainingFailure: (code, message) = (1, error.description)
    case let error as VerificationFailure: (code, message) = (1, error.description)
    case is ExitCode, is CleanExit, is ValidationError: (code, message) = (Modelctl.exitCode(for: error).rawValue, nil)
    default: (code, message) = (Modelctl.exitCode(for: error).rawValue, nil)
    }
  }

  func exit() -> Never {
    guard let message else {
      guard code != 0 else { Modelctl.exit(withError: error) }
      // The same style as everywhere else: ArgumentParser begins with a capital.
      let text = Modelctl.fullMessage(for: error)
      // A verdict alone has been printed as a result.
      if !text.isEmpty { writeError(text.hasPrefix("Error: ") ? "error: " + text.dropFirst(7) : text) }
      Modelctl.exit(withError: ExitCode(code))
    }
    writeError("error: \(message)")
    Modelctl.exit(withError: ExitCode(code))
  }
}

extension StorageError {
  fileprivate var exitCode: Int32 {
    switch code {
    case .unreadable: 66
    case .cannotCreate: 73
    case .ioFailed: 74
    }
  }
}

extension ExecutionError {
  /// Inputs that do not fit are malformed data; what the engine lacks or refuses is unsupported.
  fileprivate var exitCode: Int32 {
    switch code {
    case .noKernel, .outOfMemory, .limitExceeded: 69
    case .invalidInput, .shapeMismatch, .invalidValue: 65
    }
  }
}

extension TensorError {
  /// What has no rule or can't be trained is unsupported; the rest is data that does not fit.
  fileprivate var exitCode: Int32 {
    switch code {
    case .notSupported, .noGradient, .symbolic: 69
    case .shapeMismatch, .wrongDType, .invalidArgument, .outOfRange: 65
    }
  }
}
