// Written by formats/tflite/generate_wire.py from formats/tflite/schema.fbs.

import FlatBufferWire

/// The schema's `BuiltinOptions`.
public indirect enum BuiltinOptions: FlatUnion {
  case none
  case conv2DOptions(Conv2DOptions)
  case depthwiseConv2DOptions(DepthwiseConv2DOptions)
  case concatEmbeddingsOptions(ConcatEmbeddingsOptions)
  case lshProjectionOptions(LSHProjectionOptions)
  case pool2DOptions(Pool2DOptions)
  case svdfOptions(SVDFOptions)
  case rnnOptions(RNNOptions)
  case fullyConnectedOptions(FullyConnectedOptions)
  case softmaxOptions(SoftmaxOptions)
  case concatenationOptions(ConcatenationOptions)
  case addOptions(AddOptions)
  case l2NormOptions(L2NormOptions)
  case localResponseNormalizationOptions(LocalResponseNormalizationOptions)
  case lstmOptions(LSTMOptions)
  case resizeBilinearOptions(ResizeBilinearOptions)
  case callOptions(CallOptions)
  case reshapeOptions(ReshapeOptions)
  case skipGramOptions(SkipGramOptions)
  case spaceToDepthOptions(SpaceToDepthOptions)
  case embeddingLookupSparseOptions(EmbeddingLookupSparseOptions)
  case mulOptions(MulOptions)
  case padOptions(PadOptions)
  case gatherOptions(GatherOptions)
  case batchToSpaceNDOptions(BatchToSpaceNDOptions)
  case spaceToBatchNDOptions(SpaceToBatchNDOptions)
  case transposeOptions(TransposeOptions)
  case reducerOptions(ReducerOptions)
  case subOptions(SubOptions)
  case divOptions(DivOptions)
  case squeezeOptions(SqueezeOptions)
  case sequenceRNNOptions(SequenceRNNOptions)
  case stridedSliceOptions(StridedSliceOptions)
  case expOptions(ExpOptions)
  case topKV2Options(TopKV2Options)
  case splitOptions(SplitOptions)
  case logSoftmaxOptions(LogSoftmaxOptions)
  case castOptions(CastOptions)
  case dequantizeOptions(DequantizeOptions)
  case maximumMinimumOptions(MaximumMinimumOptions)
  case argMaxOptions(ArgMaxOptions)
  case lessOptions(LessOptions)
  case negOptions(NegOptions)
  case padV2Options(PadV2Options)
  case greaterOptions(GreaterOptions)
  case greaterEqualOptions(GreaterEqualOptions)
  case lessEqualOptions(LessEqualOptions)
  case selectOptions(SelectOptions)
  case sliceOptions(SliceOptions)
  case transposeConvOptions(TransposeConvOptions)
  case sparseToDenseOptions(SparseToDenseOptions)
  case tileOptions(TileOptions)
  case expandDimsOptions(ExpandDimsOptions)
  case equalOptions(EqualOptions)
  case notEqualOptions(NotEqualOptions)
  case shapeOptions(ShapeOptions)
  case powOptions(PowOptions)
  case argMinOptions(ArgMinOptions)
  case fakeQuantOptions(FakeQuantOptions)
  case packOptions(PackOptions)
  case logicalOrOptions(LogicalOrOptions)
  case oneHotOptions(OneHotOptions)
  case logicalAndOptions(LogicalAndOptions)
  case logicalNotOptions(LogicalNotOptions)
  case unpackOptions(UnpackOptions)
  case floorDivOptions(FloorDivOptions)
  case squareOptions(SquareOptions)
  case zerosLikeOptions(ZerosLikeOptions)
  case fillOptions(FillOptions)
  case bidirectionalSequenceLSTMOptions(BidirectionalSequenceLSTMOptions)
  case bidirectionalSequenceRNNOptions(BidirectionalSequenceRNNOptions)
  case unidirectionalSequenceLSTMOptions(UnidirectionalSequenceLSTMOptions)
  case floorModOptions(FloorModOptions)
  case rangeOptions(RangeOptions)
  case resizeNearestNeighborOptions(ResizeNearestNeighborOptions)
  case leakyReluOptions(LeakyReluOptions)
  case squaredDifferenceOptions(SquaredDifferenceOptions)
  case mirrorPadOptions(MirrorPadOptions)
  case absOptions(AbsOptions)
  case splitVOptions(SplitVOptions)
  case uniqueOptions(UniqueOptions)
  case reverseV2Options(ReverseV2Options)
  case addNOptions(AddNOptions)
  case gatherNdOptions(GatherNdOptions)
  case cosOptions(CosOptions)
  case whereOptions(WhereOptions)
  case rankOptions(RankOptions)
  case reverseSequenceOptions(ReverseSequenceOptions)
  case matrixDiagOptions(MatrixDiagOptions)
  case quantizeOptions(QuantizeOptions)
  case matrixSetDiagOptions(MatrixSetDiagOptions)
  case hardSwishOptions(HardSwishOptions)
  case ifOptions(IfOptions)
  case whileOptions(WhileOptions)
  case depthToSpaceOptions(DepthToSpaceOptions)
  case nonMaxSuppressionV4Options(NonMaxSuppressionV4Options)
  case nonMaxSuppressionV5Options(NonMaxSuppressionV5Options)
  case scatterNdOptions(ScatterNdOptions)
  case selectV2Options(SelectV2Options)
  case densifyOptions(DensifyOptions)
  case segmentSumOptions(SegmentSumOptions)
  case batchMatMulOptions(BatchMatMulOptions)
  case cumsumOptions(CumsumOptions)
  case callOnceOptions(CallOnceOptions)
  case broadcastToOptions(BroadcastToOptions)
  case rfft2dOptions(Rfft2dOptions)
  case conv3DOptions(Conv3DOptions)
  case hashtableOptions(HashtableOptions)
  case hashtableFindOptions(HashtableFindOptions)
  case hashtableImportOptions(HashtableImportOptions)
  case hashtableSizeOptions(HashtableSizeOptions)
  case varHandleOptions(VarHandleOptions)
  case readVariableOptions(ReadVariableOptions)
  case assignVariableOptions(AssignVariableOptions)
  case randomOptions(RandomOptions)
  case bucketizeOptions(BucketizeOptions)
  case geluOptions(GeluOptions)
  case dynamicUpdateSliceOptions(DynamicUpdateSliceOptions)
  case unsortedSegmentProdOptions(UnsortedSegmentProdOptions)
  case unsortedSegmentMaxOptions(UnsortedSegmentMaxOptions)
  case unsortedSegmentMinOptions(UnsortedSegmentMinOptions)
  case unsortedSegmentSumOptions(UnsortedSegmentSumOptions)
  case aTan2Options(ATan2Options)
  case signOptions(SignOptions)
  case bitcastOptions(BitcastOptions)
  case bitwiseXorOptions(BitwiseXorOptions)
  case rightShiftOptions(RightShiftOptions)
  /// A table the schema does not name; its contents can't be told.
  case unknown(type: UInt8)

  public static func read(_ type: UInt8, at position: Int, _ reader: inout FlatReader) throws -> Self {
    switch type {
    case 0: .none
    case 1: .conv2DOptions(try reader.table(at: position))
    case 2: .depthwiseConv2DOptions(try reader.table(at: position))
    case 3: .concatEmbeddingsOptions(try reader.table(at: position))
    case 4: .lshProjectionOptions(try reader.table(at: position))
    case 5: .pool2DOptions(try reader.table(at: position))
    case 6: .svdfOptions(try reader.table(at: position))
    case 7: .rnnOptions(try reader.table(at: position))
    case 8: .fullyConnectedOptions(try reader.table(at: position))
    case 9: .softmaxOptions(try reader.table(at: position))
    case 10: .concatenationOptions(try reader.table(at: position))
    case 11: .addOptions(try reader.table(at: position))
    case 12: .l2NormOptions(try reader.table(at: position))
    case 13: .localResponseNormalizationOptions(try reader.table(at: position))
    case 14: .lstmOptions(try reader.table(at: position))
    case 15: .resizeBilinearOptions(try reader.table(at: position))
    case 16: .callOptions(try reader.table(at: position))
    case 17: .reshapeOptions(try reader.table(at: position))
    case 18: .skipGramOptions(try reader.table(at: position))
    case 19: .spaceToDepthOptions(try reader.table(at: position))
    case 20: .embeddingLookupSparseOptions(try reader.table(at: position))
    case 21: .mulOptions(try reader.table(at: position))
    case 22: .padOptions(try reader.table(at: position))
    case 23: .gatherOptions(try reader.table(at: position))
    case 24: .batchToSpaceNDOptions(try reader.table(at: position))
    case 25: .spaceToBatchNDOptions(try reader.table(at: position))
    case 26: .transposeOptions(try reader.table(at: position))
    case 27: .reducerOptions(try reader.table(at: position))
    case 28: .subOptions(try reader.table(at: position))
    case 29: .divOptions(try reader.table(at: position))
    case 30: .squeezeOptions(try reader.table(at: position))
    case 31: .sequenceRNNOptions(try reader.table(at: position))
    case 32: .stridedSliceOptions(try reader.table(at: position))
    case 33: .expOptions(try reader.table(at: position))
    case 34: .topKV2Options(try reader.table(at: position))
    case 35: .splitOptions(try reader.table(at: position))
    case 36: .logSoftmaxOptions(try reader.table(at: position))
    case 37: .castOptions(try reader.table(at: position))
    case 38: .dequantizeOptions(try reader.table(at: position))
    case 39: .maximumMinimumOptions(try reader.table(at: position))
    case 40: .argMaxOptions(try reader.table(at: position))
    case 41: .lessOptions(try reader.table(at: position))
    case 42: .negOptions(try reader.table(at: position))
    case 43: .padV2Options(try reader.table(at: position))
    case 44: .greaterOptions(try reader.table(at: position))
    case 45: .greaterEqualOptions(try reader.table(at: position))
    case 46: .lessEqualOptions(try reader.table(at: position))
    case 47: .selectOptions(try reader.table(at: position))
    case 48: .sliceOptions(try reader.table(at: position))
    case 49: .transposeConvOptions(try reader.table(at: position))
    case 50: .sparseToDenseOptions(try reader.table(at: position))
    case 51: .tileOptions(try reader.table(at: position))
    case 52: .expandDimsOptions(try reader.table(at: position))
    case 53: .equalOptions(try reader.table(at: position))
    case 54: .notEqualOptions(try reader.table(at: position))
    case 55: .shapeOptions(try reader.table(at: position))
    case 56: .powOptions(try reader.table(at: position))
    case 57: .argMinOptions(try reader.table(at: position))
    case 58: .fakeQuantOptions(try reader.table(at: position))
    case 59: .packOptions(try reader.table(at: position))
    case 60: .logicalOrOptions(try reader.table(at: position))
    case 61: .oneHotOptions(try reader.table(at: position))
    case 62: .logicalAndOptions(try reader.table(at: position))
    case 63: .logicalNotOptions(try reader.table(at: position))
    case 64: .unpackOptions(try reader.table(at: position))
    case 65: .floorDivOptions(try reader.table(at: position))
    case 66: .squareOptions(try reader.table(at: position))
    case 67: .zerosLikeOptions(try reader.table(at: position))
    case 68: .fillOptions(try reader.table(at: position))
    case 69: .bidirectionalSequenceLSTMOptions(try reader.table(at: position))
    case 70: .bidirectionalSequenceRNNOptions(try reader.table(at: position))
    case 71: .unidirectionalSequenceLSTMOptions(try reader.table(at: position))
    case 72: .floorModOptions(try reader.table(at: position))
    case 73: .rangeOptions(try reader.table(at: position))
    case 74: .resizeNearestNeighborOptions(try reader.table(at: position))
    case 75: .leakyReluOptions(try reader.table(at: position))
    case 76: .squaredDifferenceOptions(try reader.table(at: position))
    case 77: .mirrorPadOptions(try reader.table(at: position))
    case 78: .absOptions(try reader.table(at: position))
    case 79: .splitVOptions(try reader.table(at: position))
    case 80: .uniqueOptions(try reader.table(at: position))
    case 81: .reverseV2Options(try reader.table(at: position))
    case 82: .addNOptions(try reader.table(at: position))
    case 83: .gatherNdOptions(try reader.table(at: position))
    case 84: .cosOptions(try reader.table(at: position))
    case 85: .whereOptions(try reader.table(at: position))
    case 86: .rankOptions(try reader.table(at: position))
    case 87: .reverseSequenceOptions(try reader.table(at: position))
    case 88: .matrixDiagOptions(try reader.table(at: position))
    case 89: .quantizeOptions(try reader.table(at: position))
    case 90: .matrixSetDiagOptions(try reader.table(at: position))
    case 91: .hardSwishOptions(try reader.table(at: position))
    case 92: .ifOptions(try reader.table(at: position))
    case 93: .whileOptions(try reader.table(at: position))
    case 94: .depthToSpaceOptions(try reader.table(at: position))
    case 95: .nonMaxSuppressionV4Options(try reader.table(at: position))
    case 96: .nonMaxSuppressionV5Options(try reader.table(at: position))
    case 97: .scatterNdOptions(try reader.table(at: position))
    case 98: .selectV2Options(try reader.table(at: position))
    case 99: .densifyOptions(try reader.table(at: position))
    case 100: .segmentSumOptions(try reader.table(at: position))
    case 101: .batchMatMulOptions(try reader.table(at: position))
    case 102: .cumsumOptions(try reader.table(at: position))
    case 103: .callOnceOptions(try reader.table(at: position))
    case 104: .broadcastToOptions(try reader.table(at: position))
    case 105: .rfft2dOptions(try reader.table(at: position))
    case 106: .conv3DOptions(try reader.table(at: position))
    case 107: .hashtableOptions(try reader.table(at: position))
    case 108: .hashtableFindOptions(try reader.table(at: position))
    case 109: .hashtableImportOptions(try reader.table(at: position))
    case 110: .hashtableSizeOptions(try reader.table(at: position))
    case 111: .varHandleOptions(try reader.table(at: position))
    case 112: .readVariableOptions(try reader.table(at: position))
    case 113: .assignVariableOptions(try reader.table(at: position))
    case 114: .randomOptions(try reader.table(at: position))
    case 115: .bucketizeOptions(try reader.table(at: position))
    case 116: .geluOptions(try reader.table(at: position))
    case 117: .dynamicUpdateSliceOptions(try reader.table(at: position))
    case 118: .unsortedSegmentProdOptions(try reader.table(at: position))
    case 119: .unsortedSegmentMaxOptions(try reader.table(at: position))
    case 120: .unsortedSegmentMinOptions(try reader.table(at: position))
    case 121: .unsortedSegmentSumOptions(try reader.table(at: position))
    case 122: .aTan2Options(try reader.table(at: position))
    case 123: .signOptions(try reader.table(at: position))
    case 124: .bitcastOptions(try reader.table(at: position))
    case 125: .bitwiseXorOptions(try reader.table(at: position))
    case 126: .rightShiftOptions(try reader.table(at: position))
    default: .unknown(type: type)
    }
  }

  public var type: UInt8 {
    switch self {
    case .none: 0
    case .conv2DOptions: 1
    case .depthwiseConv2DOptions: 2
    case .concatEmbeddingsOptions: 3
    case .lshProjectionOptions: 4
    case .pool2DOptions: 5
    case .svdfOptions: 6
    case .rnnOptions: 7
    case .fullyConnectedOptions: 8
    case .softmaxOptions: 9
    case .concatenationOptions: 10
    case .addOptions: 11
    case .l2NormOptions: 12
    case .localResponseNormalizationOptions: 13
    case .lstmOptions: 14
    case .resizeBilinearOptions: 15
    case .callOptions: 16
    case .reshapeOptions: 17
    case .skipGramOptions: 18
    case .spaceToDepthOptions: 19
    case .embeddingLookupSparseOptions: 20
    case .mulOptions: 21
    case .padOptions: 22
    case .gatherOptions: 23
    case .batchToSpaceNDOptions: 24
    case .spaceToBatchNDOptions: 25
    case .transposeOptions: 26
    case .reducerOptions: 27
    case .subOptions: 28
    case .divOptions: 29
    case .squeezeOptions: 30
    case .sequenceRNNOptions: 31
    case .stridedSliceOptions: 32
    case .expOptions: 33
    case .topKV2Options: 34
    case .splitOptions: 35
    case .logSoftmaxOptions: 36
    case .castOptions: 37
    case .dequantizeOptions: 38
    case .maximumMinimumOptions: 39
    case .argMaxOptions: 40
    case .lessOptions: 41
    case .negOptions: 42
    case .padV2Options: 43
    case .greaterOptions: 44
    case .greaterEqualOptions: 45
    case .lessEqualOptions: 46
    case .selectOptions: 47
    case .sliceOptions: 48
    case .transposeConvOptions: 49
    case .sparseToDenseOptions: 50
    case .tileOptions: 51
    case .expandDimsOptions: 52
    case .equalOptions: 53
    case .notEqualOptions: 54
    case .shapeOptions: 55
    case .powOptions: 56
    case .argMinOptions: 57
    case .fakeQuantOptions: 58
    case .packOptions: 59
    case .logicalOrOptions: 60
    case .oneHotOptions: 61
    case .logicalAndOptions: 62
    case .logicalNotOptions: 63
    case .unpackOptions: 64
    case .floorDivOptions: 65
    case .squareOptions: 66
    case .zerosLikeOptions: 67
    case .fillOptions: 68
    case .bidirectionalSequenceLSTMOptions: 69
    case .bidirectionalSequenceRNNOptions: 70
    case .unidirectionalSequenceLSTMOptions: 71
    case .floorModOptions: 72
    case .rangeOptions: 73
    case .resizeNearestNeighborOptions: 74
    case .leakyReluOptions: 75
    case .squaredDifferenceOptions: 76
    case .mirrorPadOptions: 77
    case .absOptions: 78
    case .splitVOptions: 79
    case .uniqueOptions: 80
    case .reverseV2Options: 81
    case .addNOptions: 82
    case .gatherNdOptions: 83
    case .cosOptions: 84
    case .whereOptions: 85
    case .rankOptions: 86
    case .reverseSequenceOptions: 87
    case .matrixDiagOptions: 88
    case .quantizeOptions: 89
    case .matrixSetDiagOptions: 90
    case .hardSwishOptions: 91
    case .ifOptions: 92
    case .whileOptions: 93
    case .depthToSpaceOptions: 94
    case .nonMaxSuppressionV4Options: 95
    case .nonMaxSuppressionV5Options: 96
    case .scatterNdOptions: 97
    case .selectV2Options: 98
    case .densifyOptions: 99
    case .segmentSumOptions: 100
    case .batchMatMulOptions: 101
    case .cumsumOptions: 102
    case .callOnceOptions: 103
    case .broadcastToOptions: 104
    case .rfft2dOptions: 105
    case .conv3DOptions: 106
    case .hashtableOptions: 107
    case .hashtableFindOptions: 108
    case .hashtableImportOptions: 109
    case .hashtableSizeOptions: 110
    case .varHandleOptions: 111
    case .readVariableOptions: 112
    case .assignVariableOptions: 113
    case .randomOptions: 114
    case .bucketizeOptions: 115
    case .geluOptions: 116
    case .dynamicUpdateSliceOptions: 117
    case .unsortedSegmentProdOptions: 118
    case .unsortedSegmentMaxOptions: 119
    case .unsortedSegmentMinOptions: 120
    case .unsortedSegmentSumOptions: 121
    case .aTan2Options: 122
    case .signOptions: 123
    case .bitcastOptions: 124
    case .bitwiseXorOptions: 125
    case .rightShiftOptions: 126
    case .unknown(let type): type
    }
  }

  public var content: (any FlatTable)? {
    switch self {
    case .none, .unknown: nil
    case .conv2DOptions(let table): table
    case .depthwiseConv2DOptions(let table): table
    case .concatEmbeddingsOptions(let table): table
    case .lshProjectionOptions(let table): table
    case .pool2DOptions(let table): table
    case .svdfOptions(let table): table
    case .rnnOptions(let table): table
    case .fullyConnectedOptions(let table): table
    case .softmaxOptions(let table): table
    case .concatenationOptions(let table): table
    case .addOptions(let table): table
    case .l2NormOptions(let table): table
    case .localResponseNormalizationOptions(let table): table
    case .lstmOptions(let table): table
    case .resizeBilinearOptions(let table): table
    case .callOptions(let table): table
    case .reshapeOptions(let table): table
    case .skipGramOptions(let table): table
    case .spaceToDepthOptions(let table): table
    case .embeddingLookupSparseOptions(let table): table
    case .mulOptions(let table): table
    case .padOptions(let table): table
    case .gatherOptions(let table): table
    case .batchToSpaceNDOptions(let table): table
    case .spaceToBatchNDOptions(let table): table
    case .transposeOptions(let table): table
    case .reducerOptions(let table): table
    case .subOptions(let table): table
    case .divOptions(let table): table
    case .squeezeOptions(let table): table
    case .sequenceRNNOptions(let table): table
    case .stridedSliceOptions(let table): table
    case .expOptions(let table): table
    case .topKV2Options(let table): table
    case .splitOptions(let table): table
    case .logSoftmaxOptions(let table): table
    case .castOptions(let table): table
    case .dequantizeOptions(let table): table
    case .maximumMinimumOptions(let table): table
    case .argMaxOptions(let table): table
    case .lessOptions(let table): table
    case .negOptions(let table): table
    case .padV2Options(let table): table
    case .greaterOptions(let table): table
    case .greaterEqualOptions(let table): table
    case .lessEqualOptions(let table): table
    case .selectOptions(let table): table
    case .sliceOptions(let table): table
    case .transposeConvOptions(let table): table
    case .sparseToDenseOptions(let table): table
    case .tileOptions(let table): table
    case .expandDimsOptions(let table): table
    case .equalOptions(let table): table
    case .notEqualOptions(let table): table
    case .shapeOptions(let table): table
    case .powOptions(let table): table
    case .argMinOptions(let table): table
    case .fakeQuantOptions(let table): table
    case .packOptions(let table): table
    case .logicalOrOptions(let table): table
    case .oneHotOptions(let table): table
    case .logicalAndOptions(let table): table
    case .logicalNotOptions(let table): table
    case .unpackOptions(let table): table
    case .floorDivOptions(let table): table
    case .squareOptions(let table): table
    case .zerosLikeOptions(let table): table
    case .fillOptions(let table): table
    case .bidirectionalSequenceLSTMOptions(let table): table
    case .bidirectionalSequenceRNNOptions(let table): table
    case .unidirectionalSequenceLSTMOptions(let table): table
    case .floorModOptions(let table): table
    case .rangeOptions(let table): table
    case .resizeNearestNeighborOptions(let table): table
    case .leakyReluOptions(let table): table
    case .squaredDifferenceOptions(let table): table
    case .mirrorPadOptions(let table): table
    case .absOptions(let table): table
    case .splitVOptions(let table): table
    case .uniqueOptions(let table): table
    case .reverseV2Options(let table): table
    case .addNOptions(let table): table
    case .gatherNdOptions(let table): table
    case .cosOptions(let table): table
    case .whereOptions(let table): table
    case .rankOptions(let table): table
    case .reverseSequenceOptions(let table): table
    case .matrixDiagOptions(let table): table
    case .quantizeOptions(let table): table
    case .matrixSetDiagOptions(let table): table
    case .hardSwishOptions(let table): table
    case .ifOptions(let table): table
    case .whileOptions(let table): table
    case .depthToSpaceOptions(let table): table
    case .nonMaxSuppressionV4Options(let table): table
    case .nonMaxSuppressionV5Options(let table): table
    case .scatterNdOptions(let table): table
    case .selectV2Options(let table): table
    case .densifyOptions(let table): table
    case .segmentSumOptions(let table): table
    case .batchMatMulOptions(let table): table
    case .cumsumOptions(let table): table
    case .callOnceOptions(let table): table
    case .broadcastToOptions(let table): table
    case .rfft2dOptions(let table): table
    case .conv3DOptions(let table): table
    case .hashtableOptions(let table): table
    case .hashtableFindOptions(let table): table
    case .hashtableImportOptions(let table): table
    case .hashtableSizeOptions(let table): table
    case .varHandleOptions(let table): table
    case .readVariableOptions(let table): table
    case .assignVariableOptions(let table): table
    case .randomOptions(let table): table
    case .bucketizeOptions(let table): table
    case .geluOptions(let table): table
    case .dynamicUpdateSliceOptions(let table): table
    case .unsortedSegmentProdOptions(let table): table
    case .unsortedSegmentMaxOptions(let table): table
    case .unsortedSegmentMinOptions(let table): table
    case .unsortedSegmentSumOptions(let table): table
    case .aTan2Options(let table): table
    case .signOptions(let table): table
    case .bitcastOptions(let table): table
    case .bitwiseXorOptions(let table): table
    case .rightShiftOptions(let table): table
    }
  }
}
