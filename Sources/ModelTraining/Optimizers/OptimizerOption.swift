/// What all optimisers can do besides: `Adam(learningRate: 0.01, .clipNorm(1), .weightDecay(0.004))`.
public enum OptimizerOption: Sendable {
  case name(String)
  /// Takes `weight × decay × learning rate` off each weight before an update.
  case weightDecay(Double)
  /// Scales each gradient down to this norm.
  case clipNorm(Double)
  /// Scales all gradients together down to this norm.
  case globalClipNorm(Double)
  /// Holds each element of a gradient between `-value` and `value`.
  case clipValue(Double)
  /// Keeps moving averages of the weights; with `overwriteEvery`, weights become their averages after so many updates.
  case ema(momentum: Double = 0.99, overwriteEvery: Int? = nil)
  /// Multiplies the loss and divides the gradients, for numbers of half precision.
  case lossScaleFactor(Double)
  /// Updates once for so many calls, with the mean of their gradients.
  case gradientAccumulation(steps: Int)
}

/// The same, taken together and checked.
struct OptimizerSettings {
  var name: String?
  var weightDecay: Double?
  var clipNorm: Double?
  var globalClipNorm: Double?
  var clipValue: Double?
  var usesEMA = false
  var emaMomentum = 0.99
  var emaOverwriteFrequency: Int?
  var lossScaleFactor: Double?
  var accumulationSteps: Int?

  init(_ options: [OptimizerOption]) throws {
    for option in options {
      switch option {
      case .name(let value): name = value
      case .weightDecay(let value): weightDecay = value
      case .clipNorm(let value): clipNorm = value
      case .globalClipNorm(let value): globalClipNorm = value
      case .clipValue(let value): clipValue = value
      case .ema(let momentum, let frequency):
        usesEMA = true
        emaMomentum = momentum
        emaOverwriteFrequency = frequency
      case .lossScaleFactor(let value): lossScaleFactor = value
      case .gradientAccumulation(let steps): accumulationSteps = steps
      }
    }
    guard [clipNorm, globalClipNorm, clipValue].compactMap({ $0 }).count <= 1 else {
      throw TensorError(.invalidArgument, "only one of clipNorm, clipValue and globalClipNorm can be set")
    }
    guard !usesEMA || (0...1).contains(emaMomentum) else {
      throw TensorError(.invalidArgument, "expected an EMA momentum from 0 to 1, found \(emaMomentum)")
    }
    guard (emaOverwriteFrequency ?? 1) >= 1 else {
      throw TensorError(.invalidArgument, "expected an EMA overwrite frequency of 1 or more")
    }
    guard (accumulationSteps ?? 2) >= 2 else {
      throw TensorError(.invalidArgument, "expected 2 or more steps of gradient accumulation")
    }
  }
}
