import ModelTraining
import Testing

@Suite struct KnownNamesTests {
  @Test(arguments: Losses.names) func losses(_ name: String) throws { _ = try Losses.get(name) }
  @Test(arguments: Optimizers.names) func optimizers(_ name: String) throws { _ = try Optimizers.get(name) }
  @Test(arguments: Metrics.names) func metrics(_ name: String) throws {
    _ = try Metrics.resolve(name, yTrueShape: [2, 3], yPredShape: [2, 3])
  }
  @Test func othersAreRefusedWithTheList() throws {
    #expect { try Losses.get("moose") } throws: { "\($0)".contains("known are binary_crossentropy") }
    #expect { try Optimizers.get("moose") } throws: { "\($0)".contains("known are adadelta") }
    #expect { try Metrics.get("moose") } throws: { "\($0)".contains("known are accuracy") }
  }
}
