import ModelKit
import ModelSupport
import OrderedCollections

/// What a training run did.
public struct TrainingReport: Sendable {
  public var history: History
  /// Names in the order in which they are shown: the loss, the metrics, then those of validation.
  public var figures: [String]
  public var samplesPerSecond: Double
  public var epochs: Int
  public var output: String
  public var format: ModelFormat
  /// The numbers that training could change.
  public var trainableParameters: Int
  public var notes: [String] = []

  /// The document `train --json` prints.
  public var json: JSONValue {
    var figures: OrderedDictionary<String, JSONValue> = [:]
    for name in self.figures {
      figures[name] = .array(
        history.lists[name]?.map { .array($0.map { .finite($0) }) } ?? history[name].map { .finite($0) })
    }
    return [
      "history": .object(figures), "samples_per_second": .double(samplesPerSecond), "epochs": .int(epochs), "output": .string(output),
      "format": .string(format.rawValue), "trainable_parameters": .int(trainableParameters), "notes": .array(notes.map { .string($0) }),
    ]
  }

  /// What `train` prints: a row for each epoch, or for some thirty of them.
  public var text: String {
    var table = TextTable([">epoch"] + figures.map { ">\($0)" })
    let rows = 30, step = Swift.max(1, (epochs + rows - 1) / rows)
    for (index, epoch) in history.epoch.enumerated() where index % step == 0 || index == history.epoch.count - 1 {
      table.add(
        [String(epoch + 1)]
          + figures.map { name in
            let values = history[name]
            return index < values.count ? numberText(values[index], digits: 4) : ""
          })
    }
    var out = table.text() + "\n"
    out += "\(output.printable) (\(format.rawValue)): \(grouped(trainableParameters)) trained parameters, "
    out += "\(grouped(Int(samplesPerSecond.rounded()))) samples a second\n"
    for note in notes { out += "note: \(note.printable)\n" }
    return out
  }
}

/// A training run that came to nothing: its loss or its weights are no numbers any more.
public struct TrainingFailure: Error, Sendable, CustomStringConvertible {
  public var message: String
  public init(_ message: String) { self.message = message }
  public var description: String { message }
}
