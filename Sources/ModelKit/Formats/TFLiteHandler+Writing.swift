import ModelGraph
import ModelPasses
import ModelSupport
import TFLiteFormat

extension TFLiteHandler {
  func legalize(_ model: Model, _ options: WriteOptions) throws -> (model: Model, losses: [Loss]) {
    try Legalizer(TFLiteWriter.profile(), ioLayout: options.layout, foldsWeights: true).run(model)
  }

  func write(_ model: Model, to path: String, _ options: WriteOptions) throws -> [Loss] {
    try TFLiteWriter().write(model, to: path)
  }
}
