import ModelGraph
import ModelOps
import ModelTensor

extension ConvolutionColumns {
  /// Calls `body` for each tap of a window that lies inside: its number, and its pixel.
  @inline(__always)
  private func forEachTap(_ pixel: Int, _ body: (_ tap: Int, _ place: Int, _ run: Int) -> Void) {
    let ow = pixel % output.2, oh = pixel / output.2 % output.1, od = pixel / output.2 / output.1
    for kd in 0..<kernel.0 {
      let d = od * stride.0 + kd * dilation.0 - before.0
      guard d >= 0, d < input.0 else { continue }
      for kh in 0..<kernel.1 {
        let h = oh * stride.1 + kh * dilation.1 - before.1
        guard h >= 0, h < input.1 else { continue }
        let w = ow * stride.2 - before.2, row = (d * input.1 + h) * input.2, first = (kd * kernel.1 + kh) * kernel.2
        if dilation.2 == 1 {
          // The taps of a row stand side by side.
          let low = max(0, -w), high = min(kernel.2, input.2 - w)
          if low < high { body(first + low, row + w + low, high - low) }
        } else {
          for kw in 0..<kernel.2 {
            let at = w + kw * dilation.2
            if at >= 0, at < input.2 { body(first + kw, row + at, 1) }
          }
        }
      }
    }
  }

  func gather<T>(
    _ x: UnsafePointer<T>, _ columns: UnsafeMutablePointer<T>, _ start: Int, _ count: Int, _ group: Int, _ context: ExecutionContext
  ) where T: ProductScalar {
    let inputs = groupInputs, depth = taps * inputs, channels = shape.inputChannels
    nonisolated(unsafe) let (x, columns) = (x + start * inputPixels * channels + group * inputs, columns)
    context.primitives.parallel(count * pixels, grain: max(1, 16384 / max(1, depth))) { rows in
      for r in rows {
        let image = x + r / pixels * inputPixels * channels, row = columns + r * depth
        row.update(repeating: 0, count: depth)
        forEachTap(r % pixels) { tap, place, run in
          if inputs == channels {
            (row + tap * inputs).update(from: image + place * channels, count: run * inputs)
          } else {
            for i in 0..<run { (row + (tap + i) * inputs).update(from: image + (place + i) * channels, count: inputs) }
          }
        }
      }
    }
  }

  func scatter<T>(
    _ columns: UnsafePointer<T>, _ x: UnsafeMutablePointer<T>, _ start: Int, _ count: Int, _ group: Int, _ context: ExecutionContext
  ) where T: ProductScalar {
    let inputs = groupInputs, depth = taps * inputs, channels = shape.inputChannels
    nonisolated(unsafe) let (x, columns) = (x + start * inputPixels * channels + group * inputs, columns)
    // Windows overlap within an image only.
    context.primitives.parallel(count, grain: 1) { images in
      for n in images {
        let image = x + n * inputPixels * channels
        for pixel in 0..<pixels {
          let row = columns + (n * pixels + pixel) * depth
          forEachTap(pixel) { tap, place, run in
            for i in 0..<run {
              let from = row + (tap + i) * inputs, to = image + (place + i) * channels
              for c in 0..<inputs { to[c] += from[c] }
            }
          }
        }
      }
    }
  }

  // MARK: One input a group

  func depthwiseFilter<T: ProductScalar>(_ x: UnsafePointer<T>, _ g: UnsafePointer<T>, _ w: UnsafeMutablePointer<T>) {
    let channels = shape.inputChannels, outputs = shape.outputChannels, each = groupOutputs
    for n in 0..<shape.batch {
      for pixel in 0..<pixels {
        let from = g + (n * pixels + pixel) * outputs
        forEachTap(pixel) { tap, place, run in
          for i in 0..<run {
            let seen = x + (n * inputPixels + place + i) * channels, to = w + (tap + i) * outputs
            if each == 1 {
              for c in 0..<channels { to[c] += seen[c] * from[c] }
            } else {
              for c in 0..<channels { for m in 0..<each { to[c * each + m] += seen[c] * from[c * each + m] } }
            }
          }
        }
      }
    }
  }
  func depthwiseImage<T: ProductScalar>(_ w: UnsafePointer<T>, _ g: UnsafePointer<T>, _ x: UnsafeMutablePointer<T>) {
    let channels = shape.inputChannels, outputs = shape.outputChannels, each = groupOutputs
    for n in 0..<shape.batch {
      for pixel in 0..<pixels {
        let from = g + (n * pixels + pixel) * outputs
        forEachTap(pixel) { tap, place, run in
          for i in 0..<run {
            let to = x + (n * inputPixels + place + i) * channels, weights = w + (tap + i) * outputs
            if each == 1 {
              for c in 0..<channels { to[c] += weights[c] * from[c] }
            } else {
              for c in 0..<channels { for m in 0..<each { to[c] += weights[c * each + m] * from[c * each + m] } }
            }
          }
        }
      }
    }
  }
}
