import ModelGraph
import ModelOps
import ModelTraining

/// Factorisations and crops of `fixtures/gradients/generate.py`. Signs of vectors are free, so their squares are compared.
enum FactorizationCases {
  static func flat(_ parts: Tensor...) throws -> Tensor { try Tensor.concat(parts.map { try $0.reshape([$0.size]) }, axis: 0) }
  static func svd(isWhole: Bool) -> GradientCases.Operation {
    { inputs in
      let found = try Tensor.apply(SVDOp(isWhole: isWhole), to: [inputs[0]])
      return try flat(found[0], found[1].square(), found[2].square())
    }
  }
  static let qr: GradientCases.Operation = { inputs in
    let found = try Tensor.apply(QROp(), to: [inputs[0]])
    return try flat(found[0].square(), found[1].square())
  }
  static func crop(_ height: Int, _ width: Int) -> GradientCases.Operation {
    { try GradientCases.one(CropAndResizeOp(extrapolation: 0.5), $0[0], $0[1], $0[2], GradientCases.ints(height, width)) }
  }
  static let boxes = Tensor([Float(0.1), 0.2, 0.83, 0.9, -0.2, 0.3, 0.6, 1.1, 0.7, 0.9, 0.15, 0.12])
  static func shifted(_ fill: ImageFill) -> GradientCases.Operation {
    { inputs in
      let maps = try Tensor([Float(1), 0, 2, 0, 1, -1, 0, 0, 1, 0, -1, 0, 1, 3, 0, 0]).reshape([2, 8])
      let half = try Tensor.full([], 0.5, dtype: inputs[0].dtype)
      return try GradientCases.one(ProjectiveTransformOp(fill: fill), inputs[0], maps, GradientCases.ints(5, 6), half)
    }
  }
  static let all: [String: GradientCases.Operation] = [
    "log_det": { try Tensor.apply(LogDeterminantOp(), to: [$0[0]])[1] },
    "symmetric_eigen": { inputs in
      let found = try Tensor.apply(SymmetricEigenOp(), to: [inputs[0]])
      return try flat(found[0], found[1].square())
    },
    "eigenvalues": { try Tensor.apply(SymmetricEigenOp(), to: [$0[0]])[0] },
    "svd_square": svd(isWhole: false), "svd_deep": svd(isWhole: false), "svd_wide": svd(isWhole: false), "svd_whole": svd(isWhole: true),
    "qr_square": qr, "qr_deep": qr, "qr_wide": qr,
    "crop_and_resize": crop(4, 3), "crop_and_resize_one": crop(1, 1),
    "crop_and_resize_nearest": {
      try GradientCases.one(
        CropAndResizeOp(nearest: true), $0[0], try boxes.reshape([3, 4]), GradientCases.ints(1, 0, 1), GradientCases.ints(4, 3))
    },
    "projective": shifted(.constant),
  ]
}
