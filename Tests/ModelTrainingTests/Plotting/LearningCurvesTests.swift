import Foundation
import FoundationXML
import ModelTraining
import Testing

@Suite struct LearningCurvesTests {
  private func history(_ epochs: Int) throws -> History {
    let x = try Tensor.random.normal([32, 3], seed: 1), y = try x.reduceSum(axis: 1, keepDims: true)
    let model = try Sequential([Dense(1, kernelInitializer: .glorotUniform(seed: 1))], inputShape: [3])
    model.compile(optimizer: try SGD(learningRate: 0.1), loss: Losses.MeanSquaredError(), metrics: [try Metrics.get("mae")])
    return try model.fit(x, y, epochs: epochs, validationSplit: 0.25)
  }

  @Test func everyFigureHasAPanelAndEveryEpochAPoint() throws {
    let svg = LearningCurves(try history(7), title: "a < b & c").svg()
    let document = try XMLDocument(xmlString: svg)
    let root = try #require(document.rootElement())
    #expect(root.elements(forName: "g").count == 2)
    let lines = try root.nodes(forXPath: "//*[local-name()='polyline']")
    #expect(lines.count == 4)
    let points = svg.components(separatedBy: "points=\"").dropFirst().map { $0.prefix { $0 != "\"" }.split(separator: " ").count }
    #expect(points == [7, 7, 7, 7])
    #expect(svg.contains("a &lt; b &amp; c"))
  }

  @Test func oneEpochAndNoEpochAreDrawnToo() throws {
    _ = try XMLDocument(xmlString: LearningCurves(try history(1)).svg())
    _ = try XMLDocument(xmlString: LearningCurves(History()).svg())
  }
}
