import ModelGraph
import ModelOps
import ModelTensor

/// What needs no columns: images are channels last, weights `[taps, inputs of a group, outputs]`, all in float32.
extension ConvolutionColumns {
  /// The gradient of the weights, tap by tap.
  func directFilterGradient(_ x: NDArray, _ g: NDArray, in context: ExecutionContext) throws -> NDArray? {
    guard x.dtype == .float32, shape.groups == 1, !isPlain, dilation.2 == 1, x.count > 0, g.count > 0 else { return nil }
    let result = try context.allocate(.float32, filterRows)
    x.with(Float.self) { xs in
      g.with(Float.self) { gs in
        result.withMutable(Float.self) { ws in
          guard let x = xs.baseAddress, let g = gs.baseAddress, let w = ws.baseAddress else { return }
          context.primitives.filterGradient(shape, x, g, w)
        }
      }
    }
    return result
  }

  /// The gradient of the image of a convolution that moves by single pixels: the convolution of `g` with the weights turned round.
  func directInputGradient(_ g: NDArray, _ w: NDArray, in context: ExecutionContext) throws -> NDArray? {
    guard let back, g.dtype == .float32, shape.groups == 1 || isDepthwise && shape.outputChannels == shape.groups, !isPlain, g.count > 0,
      w.count > 0
    else { return nil }
    let inputs = shape.inputChannels / shape.groups, outputs = shape.outputChannels
    let turned = try context.allocate(.float32, back.turned), result = try context.allocate(.float32, back.result)
    g.with(Float.self) { gs in
      w.with(Float.self) { ws in
        turned.withMutable(Float.self) { ts in
          result.withMutable(Float.self) { xs in
            guard let g = gs.baseAddress, let w = ws.baseAddress, let t = ts.baseAddress, let x = xs.baseAddress else { return }
            for tap in 0..<taps {
              let from = w + tap * inputs * outputs, to = t + (taps - 1 - tap) * inputs * outputs
              for i in 0..<inputs { for o in 0..<outputs { to[o * inputs + i] = from[i * outputs + o] } }
            }
            context.primitives.convolve(back.shape, g, t, Epilogue(), x, cache: nil)
          }
        }
      }
    }
    return result
  }
}
