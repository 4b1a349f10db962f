import ModelGraph
import ModelOps
import ModelTensor

/// What became of each layer when a model was quantised.
public struct QuantizationOutcome: Sendable {
  public struct Layer: Sendable {
    public var name: String
    /// All names that it is known by, its own first.
    var names: [String] = []
    /// The operator's canonical name.
    public var op: String
    public var scheme: LayerScheme
    /// What is done to it where that is neither: weights stored in fewer bits.
    public var note: String?
    /// Why it stays float although something else was asked for.
    public var reason: String?
    /// Its first result in the graph that was given, and in the one that was made.
    public var original: ValueID
    public var value: ValueID?
    /// How the made one is stored; `nil` for floats.
    public var type: QuantizedType?
  }
  /// In the order in which they are computed; ops that touch no floats are left out.
  public var layers: [Layer] = []
  /// The value of the float graph that each value of integers stands for, and how.
  public var sources: [ValueID: (original: ValueID, type: QuantizedType)] = [:]
  /// Recipes that match no layer.
  public var idleRecipes: [QuantizationRecipe] = []

  /// What stays float although it was to be quantised.
  public var floats: [Layer] { layers.filter { $0.reason != nil } }
  public init() {}

  /// Notes the recipes that match no layer.
  mutating func check(_ recipes: [QuantizationRecipe]) {
    idleRecipes = recipes.filter { recipe in !layers.contains { recipe.matches($0.names, op: $0.op) } }
  }
}
