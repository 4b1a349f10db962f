import ModelSupport

/// The groups of weights that `model.json` lists, each with the files its bytes are spread over.
public struct WeightsManifest: Sendable {
  public var groups: [JSONValue] = []
  public init() {}
}
