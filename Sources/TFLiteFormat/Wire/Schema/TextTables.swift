// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `ConcatEmbeddingsOptions`.
public struct ConcatEmbeddingsOptions: FlatTable {
  public var numChannels: Int32 = 0
  public var numColumnsPerChannel: [Int32]? = nil
  public var embeddingDimPerChannel: [Int32]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(numChannels: Int32 = 0, numColumnsPerChannel: [Int32]? = nil, embeddingDimPerChannel: [Int32]? = nil) {
    self.numChannels = numChannels
    self.numColumnsPerChannel = numColumnsPerChannel
    self.embeddingDimPerChannel = embeddingDimPerChannel
  }

  public static let tableName = "ConcatEmbeddingsOptions"
  public static let table = FlatFieldTable<ConcatEmbeddingsOptions>(rows)
  private static let rows: [FlatField<ConcatEmbeddingsOptions>] = [
    .scalar(0, "num_channels", \.numChannels, 0),
    .scalars(1, "num_columns_per_channel", \.numColumnsPerChannel),
    .scalars(2, "embedding_dim_per_channel", \.embeddingDimPerChannel),
  ]
}

/// The schema's `LSHProjectionOptions`.
public struct LSHProjectionOptions: FlatTable {
  public var type: LSHProjectionType = .unknown
  public var unknownFields: [Int] = []

  public init() {}
  public init(type: LSHProjectionType = .unknown) {
    self.type = type
  }

  public static let tableName = "LSHProjectionOptions"
  public static let table = FlatFieldTable<LSHProjectionOptions>(rows)
  private static let rows: [FlatField<LSHProjectionOptions>] = [
    .scalar(0, "type", \.type, .unknown)
  ]
}

/// The schema's `SkipGramOptions`.
public struct SkipGramOptions: FlatTable {
  public var ngramSize: Int32 = 0
  public var maxSkipSize: Int32 = 0
  public var includeAllNgrams: Bool = false
  public var unknownFields: [Int] = []

  public init() {}
  public init(ngramSize: Int32 = 0, maxSkipSize: Int32 = 0, includeAllNgrams: Bool = false) {
    self.ngramSize = ngramSize
    self.maxSkipSize = maxSkipSize
    self.includeAllNgrams = includeAllNgrams
  }

  public static let tableName = "SkipGramOptions"
  public static let table = FlatFieldTable<SkipGramOptions>(rows)
  private static let rows: [FlatField<SkipGramOptions>] = [
    .scalar(0, "ngram_size", \.ngramSize, 0),
    .scalar(1, "max_skip_size", \.maxSkipSize, 0),
    .scalar(2, "include_all_ngrams", \.includeAllNgrams, false),
  ]
}

/// The schema's `EmbeddingLookupSparseOptions`.
public struct EmbeddingLookupSparseOptions: FlatTable {
  public var combiner: CombinerType = .sum
  public var unknownFields: [Int] = []

  public init() {}
  public init(combiner: CombinerType = .sum) {
    self.combiner = combiner
  }

  public static let tableName = "EmbeddingLookupSparseOptions"
  public static let table = FlatFieldTable<EmbeddingLookupSparseOptions>(rows)
  private static let rows: [FlatField<EmbeddingLookupSparseOptions>] = [
    .scalar(0, "combiner", \.combiner, .sum)
  ]
}

/// The schema's `RandomOptions`.
public struct RandomOptions: FlatTable {
  public var seed: Int64 = 0
  public var seed2: Int64 = 0
  public var unknownFields: [Int] = []

  public init() {}
  public init(seed: Int64 = 0, seed2: Int64 = 0) {
    self.seed = seed
    self.seed2 = seed2
  }

  public static let tableName = "RandomOptions"
  public static let table = FlatFieldTable<RandomOptions>(rows)
  private static let rows: [FlatField<RandomOptions>] = [
    .scalar(0, "seed", \.seed, 0),
    .scalar(1, "seed2", \.seed2, 0),
  ]
}

/// The schema's `BucketizeOptions`.
public struct BucketizeOptions: FlatTable {
  public var boundaries: [Float]? = nil
  public var unknownFields: [Int] = []

  public init() {}
  public init(boundaries: [Float]? = nil) {
    self.boundaries = boundaries
  }

  public static let tableName = "BucketizeOptions"
  public static let table = FlatFieldTable<BucketizeOptions>(rows)
  private static let rows: [FlatField<BucketizeOptions>] = [
    .scalars(0, "boundaries", \.boundaries)
  ]
}
