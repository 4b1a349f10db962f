/// Which version of an operator a kernel must have, by its dtypes and options (`tensorflow/lite/tools/versioning/op_version.cc`).
enum OperatorVersions {
  static func version(
    _ builtin: BuiltinOperator, inputs: [TFLiteTensorType?], outputs: [TFLiteTensorType], ranks: [Int], options: BuiltinOptions,
    broadcasts: Bool, isGrouped: Bool = false, isQuantized: Bool = false
  ) -> Int32 {
    let first = (inputs.first ?? nil) ?? .float32, second = inputs.count > 1 ? inputs[1] ?? .float32 : .float32
    let output = outputs.first ?? .float32
    let isInt8 = first == .int8, isInt16 = first == .int16
    let rank = ranks.first ?? 0, widest = ranks.max() ?? 0
    switch builtin {
    case .conv2d:
      if second == .int4 { return 7 }
      if isGrouped { return 6 }
      return isInt16 ? 4 : isInt8 ? 3 : second == .int8 ? 5 : 1
    case .depthwiseConv2d:
      if isInt16 { return 5 }
      if isInt8 { return second == .int4 ? 7 : 3 }
      if second == .int8 { return 6 }
      guard case .depthwiseConv2DOptions(let o) = options else { return 1 }
      return o.dilationWFactor != 1 || o.dilationHFactor != 1 ? 2 : 1
    case .fullyConnected:
      if isInt16 { return 7 }
      if inputs.count == 2 { return 6 }
      if isInt8 { return second == .int4 ? 10 : 4 }
      if case .fullyConnectedOptions(let o) = options, o.keepNumDims { return 5 }
      return second == .int8 ? 9 : 1
    case .gather:
      if case .gatherOptions(let o) = options, o.batchDims != 0 { return 5 }
      return isInt16 ? 4 : first == .bool ? 3 : isInt8 ? 2 : 1
    case .sign: return first == .int32 ? 2 : 1
    case .mul: return first == .uint32 ? 7 : first == .complex64 ? 6 : first == .int64 ? 5 : isInt16 ? 4 : isInt8 ? 2 : 1
    case .transpose: return rank > 5 ? 6 : isInt16 ? 5 : rank > 4 ? 4 : first == .bool ? 3 : isInt8 ? 2 : 1
    case .transposeConv:
      if case .transposeConvOptions(let o) = options, o.fusedActivationFunction != .none { return 4 }
      return inputs.count == 4 && inputs[3] != nil ? 3 : second == .int8 ? 2 : 1
    case .split: return second == .int16 ? 4 : second == .int32 ? 3 : second == .int8 ? 2 : 1
    case .slice: return first == .uint32 ? 6 : rank > 4 ? 5 : isInt16 ? 4 : first == .string ? 3 : isInt8 ? 2 : 1
    case .unpack: return isInt16 ? 4 : first == .bool ? 3 : isInt8 || first == .uint8 ? 2 : 1
    case .dequantize: return first == .int4 ? 6 : isInt16 || first == .float16 ? 3 : isInt8 ? 2 : 1
    case .quantize: return output == .int4 || first == .int4 ? 4 : output == .int16 ? 2 : 1
    case .floorDiv: return isInt16 || isInt8 ? 3 : first == .float32 ? 2 : 1
    case .floorMod: return isInt16 || isInt8 ? 2 : 1
    case .abs: return first == .int32 ? 5 : isInt16 ? (isQuantized ? 3 : 4) : isInt8 ? 2 : 1
    case .relu: return isInt16 ? 3 : isInt8 || first == .uint8 ? 2 : 1
    case .stridedSlice:
      guard case .stridedSliceOptions(let o) = options else { return 1 }
      if first == .uint32 { return 7 }
      if o.ellipsisMask != 0 || o.newAxisMask != 0 { return 6 }
      return first == .string ? 5 : rank > 4 ? 4 : first == .bool ? 3 : isInt8 ? 2 : 1
    case .reverseV2: return isInt8 ? 3 : first == .bool ? 2 : 1
    case .resizeBilinear:
      if case .resizeBilinearOptions(let o) = options, o.halfPixelCenters { return isInt16 ? 4 : 3 }
      return isInt16 ? 4 : isInt8 ? 2 : 1
    case .resizeNearestNeighbor:
      if case .resizeNearestNeighborOptions(let o) = options, o.halfPixelCenters || o.alignCorners { return isInt16 ? 4 : 3 }
      return isInt16 ? 4 : isInt8 ? 2 : 1
    case .maximum, .minimum: return isInt16 ? 4 : broadcasts && widest > 4 ? 3 : isInt8 ? 2 : 1
    case .pack: return first == .uint32 ? 4 : isInt16 ? 3 : isInt8 ? 2 : 1
    case .tile: return isInt8 ? 3 : first == .string ? 2 : 1
    case .squeeze: return first == .string ? 2 : 1
    case .spaceToBatchNd, .batchToSpaceNd: return isInt16 ? 4 : rank != 4 ? 3 : isInt8 ? 2 : 1
    case .add: return isInt16 ? 5 : first == .int64 ? 4 : isInt8 ? 2 : 1
    case .sub: return isInt16 ? 5 : first == .int64 ? 4 : broadcasts && widest > 4 ? 3 : isInt8 ? 2 : 1
    case .div: return broadcasts && widest > 4 ? 2 : 1
    case .gatherNd: return first == .bool ? 5 : isInt16 ? 3 : first == .string ? 2 : 1
    case .tanh, .logistic, .softmax, .mean, .mirrorPad, .reduceMax, .reduceMin, .relu6, .rsqrt, .averagePool2d, .maxPool2d:
      return isInt16 ? 3 : isInt8 ? 2 : 1
    case .fill: return second == .float16 ? 4 : second == .int8 || second == .int16 ? 3 : second == .bool || second == .string ? 2 : 1
    case .equal: return isInt16 ? 4 : first == .string ? 3 : isInt8 ? 2 : 1
    case .notEqual: return first == .string ? 3 : isInt8 ? 2 : 1
    case .less, .greaterEqual: return isInt16 ? 3 : isInt8 ? 2 : 1
    case .leakyRelu: return isInt16 ? 2 : 1
    case .range: return first == .int64 ? 2 : 1
    case .batchMatmul: return isInt16 ? 3 : isInt8 ? 2 : 1
    case .pad, .padv2: return rank > 4 ? 4 : isInt16 ? 3 : isInt8 ? 2 : 1
    case .concatenation: return first == .uint32 ? 4 : isInt16 ? 3 : isInt8 ? 2 : 1
    case .argMax, .argMin: return first == .bool ? 3 : isInt8 ? 2 : 1
    case .selectV2: return second == .uint32 ? 2 : 1
    case .greater, .lessEqual, .sum, .splitV, .logSoftmax, .squaredDifference, .depthToSpace, .spaceToDepth, .l2Normalization, .gelu:
      return isInt8 ? 2 : 1
    case .topkV2: return isInt16 ? 3 : isInt8 ? 2 : 1
    case .exp, .log, .reduceProd: return isInt8 || isInt16 ? 2 : 1
    case .broadcastTo: return isInt8 || isInt16 ? 3 : 2
    case .cast:
      let both = [first, output]
      if both.contains(.bfloat16) { return 7 }
      if first == .int4 { return 6 }
      if both.contains(.float64) || both.contains(.float16) { return 5 }
      if both.contains(.uint16) { return 4 }
      return both.contains(.int8) ? 3 : both.contains(.uint32) ? 2 : 1
    case .unidirectionalSequenceLstm: return first == .float32 && second == .int8 ? 3 : 1
    case .where: return first == .bool ? 1 : 2
    case .fakeQuant:
      if case .fakeQuantOptions(let o) = options, o.narrowRange { return 2 }
      return 1
    default: return 1
    }
  }

  /// The first runtime that has an operator in a version, as `MAJOR, MINOR`. What is not listed has been there since 2.3, or longer.
  static func runtime(_ builtin: BuiltinOperator, version: Int32) -> (Int, Int) {
    let known: [Int32: (Int, Int)] =
      switch builtin {
      case .batchMatmul: [1: (2, 3), 2: (2, 3), 3: (2, 4), 4: (2, 5)]
      case .broadcastTo: [2: (2, 5), 3: (2, 5)]
      case .conv2d: [1: (1, 5), 2: (1, 14), 3: (1, 14), 4: (2, 3), 5: (2, 4), 6: (2, 9), 7: (2, 15)]
      case .depthwiseConv2d: [1: (1, 5), 2: (1, 12), 3: (1, 14), 4: (2, 2), 5: (2, 3), 6: (2, 3), 7: (2, 15)]
      case .add: [1: (1, 5), 2: (1, 14), 3: (2, 4), 4: (2, 6), 5: (2, 13)]
      case .mul: [1: (1, 5), 2: (1, 14), 3: (1, 15), 4: (2, 3), 5: (2, 6), 6: (2, 11), 7: (2, 14)]
      case .sub: [1: (1, 6), 2: (1, 14), 3: (2, 3), 4: (2, 4), 5: (2, 4)]
      case .cast: [1: (1, 5), 2: (2, 7), 3: (2, 8), 4: (2, 9), 5: (2, 12), 6: (2, 15), 7: (2, 17)]
      case .fullyConnected:
        [1: (1, 5), 2: (1, 10), 3: (1, 14), 4: (1, 14), 5: (2, 0), 6: (2, 1), 7: (2, 3), 8: (2, 3), 9: (2, 3), 10: (2, 15)]
      case .gather: [1: (1, 6), 2: (1, 14), 3: (1, 15), 4: (2, 4), 5: (2, 5), 6: (2, 13)]
      case .gatherNd: [1: (1, 14), 2: (2, 3), 3: (2, 5), 4: (2, 13), 5: (2, 16)]
      case .pad: [1: (1, 5), 2: (1, 14), 3: (2, 4), 4: (2, 6)]
      case .padv2: [1: (1, 9), 2: (1, 14), 3: (2, 4), 4: (2, 6)]
      case .tile: [1: (1, 10), 2: (2, 2), 3: (2, 8)]
      case .transpose: [1: (1, 6), 2: (1, 14), 3: (1, 15), 4: (2, 3), 5: (2, 4), 6: (2, 12)]
      case .mean: [1: (1, 6), 2: (1, 14), 3: (2, 4)]
      case .reduceMax, .reduceMin: [1: (1, 11), 2: (1, 14), 3: (2, 5)]
      case .reduceProd: [1: (1, 11), 2: (2, 6)]
      case .reduceAll: [1: (2, 6)]
      case .resizeBilinear: [1: (1, 7), 2: (1, 14), 3: (2, 2), 4: (2, 5)]
      case .resizeNearestNeighbor: [1: (1, 13), 2: (1, 14), 3: (2, 3), 4: (2, 4)]
      case .stridedSlice: [1: (1, 6), 2: (1, 14), 3: (2, 1), 4: (2, 2), 5: (2, 5), 6: (2, 6), 7: (2, 14)]
      case .argMax, .argMin: [1: (1, 9), 2: (1, 14), 3: (2, 9)]
      case .slice: [1: (1, 14), 2: (1, 14), 3: (1, 14), 4: (2, 4), 5: (2, 5), 6: (2, 14)]
      case .transposeConv: [1: (1, 9), 2: (2, 2), 3: (2, 3), 4: (2, 13)]
      case .abs: [1: (1, 13), 2: (2, 4), 3: (2, 7), 4: (2, 7), 5: (2, 12)]
      case .fill: [1: (1, 13), 2: (2, 3), 3: (2, 5), 4: (2, 12)]
      case .reverseV2: [1: (1, 14), 2: (2, 2), 3: (2, 5)]
      case .range: [1: (1, 13), 2: (2, 14)]
      case .where: [1: (1, 14), 2: (2, 12)]
      case .cumsum: [1: (2, 4)]
      case .conv3d: [1: (2, 5)]
      case .conv3dTranspose: [1: (2, 6)]
      case .broadcastArgs: [1: (2, 6)]
      case .gelu: [1: (2, 9), 2: (2, 9)]
      case .dynamicUpdateSlice: [1: (2, 9)]
      case .unsortedSegmentProd, .unsortedSegmentMax, .unsortedSegmentSum, .unsortedSegmentMin: [1: (2, 10)]
      case .atan2: [1: (2, 10)]
      case .sign: [1: (2, 11), 2: (2, 12)]
      case .bitcast, .bitwiseXor, .rightShift: [1: (2, 13)]
      case .if, .while: [1: (1, 15)]
      case .selectV2: [1: (2, 2), 2: (2, 14)]
      case .hardSwish: [1: (1, 15)]
      default: [1: (1, 14)]
      }
    return known[version] ?? (2, 3)
  }
}
