import Foundation
import ModelGradients
import Testing

/// Every op of the catalogue has a gradient, is made of ops that have one, or is listed as having none.
@Suite struct CatalogueTests {
  @Test func everyOpIsAccountedFor() throws {
    let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
    let declaration = try Regex(#"public struct (\w+)(?:<\w+>)?: ([\w, ]+) \{\s+public static let name = "(\w+)""#)
    let rule = try Regex(#"extension (\w+): (?:ElementwiseRule|BroadcastingRule|LinearRule|DifferentiableOp|DecomposedForGradients)"#)
    func sources(_ target: String) throws -> [String] {
      let files = FileManager.default.enumerator(at: root.appending(path: "Sources/\(target)"), includingPropertiesForKeys: nil)
      return try (files?.allObjects ?? []).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
        .map { try String(contentsOf: $0, encoding: .utf8) }
    }
    var ruled: Set<String> = []
    for text in try sources("ModelGradients") {
      for match in text.matches(of: rule) { if let name = match.output[1].substring { ruled.insert(String(name)) } }
    }
    var open: [String] = [], count = 0
    for text in try sources("ModelOps") {
      for match in text.matches(of: declaration) {
        guard let type = match.output[1].substring, let protocols = match.output[2].substring, let name = match.output[3].substring else {
          continue
        }
        count += 1
        let isMade = ["CompositeOp", "BodyOp", "WrappingOp"].contains { protocols.contains($0) }
        let isListed = NonDifferentiable.constantNames.contains(String(name)) || NonDifferentiable.refused[String(name)] != nil
        if !ruled.contains(String(type)), !isMade, !isListed { open.append(String(type)) }
      }
    }
    #expect(count > 200, "only \(count) ops were found")
    #expect(open.isEmpty, "\(open.sorted())")
  }
}
