import ArgumentParser
import ModelKit
import ModelSupport

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what is in a model file.",
    discussion: """
      Prints format, producer, versions, inputs, outputs, layers or operators, the number of \
      parameters, metadata, and warnings about what is unknown or damaged. Reads no weights unless \
      --weights asks for their statistics.
      """)

  @Argument(help: "The model: a file or directory of any known format.")
  var model: String
  @Flag(help: "Print one JSON document.")
  var json = false
  @Option(help: ArgumentHelp("Also write a self-contained page.", valueName: "file"))
  var html: String?
  @Flag(help: "List each weight: dtype, shape, min, max, mean, NaN count.")
  var weights = false
  @Flag(help: "Print the graph, node by node, with attributes and types.")
  var graph = false

  func run() throws {
    let inspection = try about(model) { try FormatRegistry.inspect(model) }
    let statistics = weights ? try inspection.weights().map(WeightStatistics.init) : nil
    let graphText = graph || html != nil ? try inspection.graphText() : ""
    if let html {
      let page = inspection.html(weights: statistics, graph: graphText)
      try writeWhole(page, to: html)
    }
    if json {
      var document = inspection.json
      if let statistics { document["weights"] = .array(statistics.map(\.json)) }
      if graph { document["graph"] = .string(graphText) }
      print(document.text(.indented))
      return
    }
    print(inspection.text, terminator: "")
    if let statistics { print("\nWeights (\(statistics.count))\n" + Inspection.weightTable(statistics), terminator: "") }
    if graph { print("\nGraph\n" + graphText.split(separator: "\n").map { "  \($0)\n" }.joined(), terminator: "") }
  }
}

/// Writes `text` beside `path` and renames, replacing what is there: a report is regenerated at will.
func writeWhole(_ text: String, to path: String) throws {
  let output = try AtomicOutput(destination: path, replaceExisting: true)
  let file = try OutputFile(creating: output.temporaryPath)
  try file.append(Array(text.utf8))
  try file.finish()
  try output.commit()
}
