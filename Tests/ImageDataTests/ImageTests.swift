import Foundation
import ImageData
import ModelSupport
import ModelTraining
import Testing

/// Against what TensorFlow and Keras were recorded to make of the pictures of `fixtures/data`.
@Suite struct ImageTests {
  private let folder: String
  private let recorded: [String: Tensor]
  init() throws {
    let data = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("fixtures/data")
    folder = data.appendingPathComponent("pictures").path
    recorded = try Tensor.load(npz: data.appendingPathComponent("pictures.npz").path)
  }
  private func worst(_ a: Tensor, _ b: Tensor) throws -> Double {
    guard a.shape == b.shape else { return .infinity }
    return zip(try a.doubles(), try b.doubles()).reduce(0) { max($0, abs($1.0 - $1.1)) }
  }

  @Test func picturesAreThoseOfTensorFlow() throws {
    var compared = 0
    for (key, expected) in recorded where !key.hasPrefix("resize") && !key.hasPrefix("batch") && !key.hasPrefix("cropped") {
      let parts = key.split(separator: "|").map(String.init)
      let found = try Image.load("\(folder)/\(parts[0])", mode: ColorMode(rawValue: parts[1]))
      #expect(found.dtype == .uint8 && found.shape == expected.shape, "\(key) \(found.shape)")
      // TensorFlow weighs colours otherwise on their way to grey in PNG pictures (0.114 for green); JPEG holds grey itself.
      if key.hasSuffix(".png|grayscale"), try isColoured(parts[0]) { continue }
      // It makes pictures of few bits almost transparent: the largest number of so many bits, not 255.
      if ["dogs/grey1.png|rgba", "dogs/palette.png|rgba"].contains(key) { continue }
      // Decoders of JPEG may round the cosine transform otherwise: one step of 255.
      #expect(try worst(found, expected) <= (parts[0].hasSuffix("png") ? 0 : 1), "\(key)")
      compared += 1
    }
    #expect(compared > 25)
  }
  private func isColoured(_ name: String) throws -> Bool { try Image.load("\(folder)/\(name)").shape[2] >= 3 }

  @Test func sizesAreThoseOfTensorFlow() throws {
    let source = try Image.load("\(folder)/cats/rgb.png", mode: .rgb)
    for (key, expected) in recorded where key.hasPrefix("resize") {
      let parts = key.split(separator: "|").map(String.init)
      let found = try Image.resize(
        source, height: try #require(Int(parts[2])), width: try #require(Int(parts[3])),
        interpolation: try #require(Interpolation(rawValue: parts[1])))
      // Of 255: sums in another order, and TensorFlow's table of cubic weights, which has 1024 places a pixel.
      #expect(try worst(found, expected) < (parts[1] == "bicubic" ? 0.3 : 1e-3), "\(key)")
    }
  }

  @Test func foldersAreThoseOfKeras() throws {
    let data = try Dataset.imageDatasetFromDirectory(folder, batchSize: 4, imageSize: (8, 10), shuffle: false).array()
    #expect(data.count == 3)
    for (index, (images, labels)) in data.enumerated() {
      // As decoders of JPEG differ by a step.
      #expect(try worst(images, try #require(recorded["batch|\(index)|images"])) <= 1)
      #expect(labels.dtype == .int32)
      #expect(try labels.doubles() == #require(recorded["batch|\(index)|labels"]).doubles())
    }
  }

  @Test func labelsSubsetsAndOrders() throws {
    func labels(_ mode: LabelMode, _ subset: ImageSubset? = nil, seed: Int = 1) throws -> [Tensor] {
      try Dataset.imageDatasetFromDirectory(
        folder, labelMode: mode, colorMode: .grayscale, batchSize: nil, imageSize: (6, 6), seed: seed,
        validationSplit: subset == nil ? nil : 0.3, subset: subset, cropToAspectRatio: true
      ).array().map(\.1)
    }
    #expect(try labels(.categorical).allSatisfy { $0.shape == [2] && $0.dtype == .float32 })
    #expect(try labels(.binary).map { try $0.item() }.reduce(0, +) == 6)
    #expect(try labels(.int, .training).count == 7 && labels(.int, .validation).count == 2)
    #expect(try labels(.int).map { try $0.item() } == labels(.int).map { try $0.item() })
  }

  @Test func cropsAreThoseOfKeras() throws {
    let expected = try #require(recorded["cropped|images"])
    let data = try Dataset.imageDatasetFromDirectory(
      folder, labelMode: .categorical, colorMode: .rgb, batchSize: nil, imageSize: (6, 6), shuffle: false, cropToAspectRatio: true)
    #expect(try data.array().count == expected.shape[0])
    // Pictures that are grey themselves are the same whatever colours weigh.
    let files = try ImageFolder(folder).files
    for (index, element) in try data.array().enumerated() where try !isColoured(String(files[index].path.dropFirst(folder.count + 1))) {
      #expect(try worst(try element.0[0..., 0..., 0..<1], try expected[index]) <= 1, "\(files[index].path)")
    }
  }

  @Test func damagedPicturesAreSaid() throws {
    for name in ["cats/rgb.png", "dogs/puppies/photo.jpg", "dogs/puppies/grey.jpeg", "dogs/palette.png"] {
      let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
      for count in stride(from: 0, to: bytes.count - 1, by: max(1, bytes.count / 60)) where count < bytes.count - 12 {
        #expect(throws: FormatError.self, "\(name) \(count)") { try bytes.prefix(count).withUnsafeBytes { try Image.decode($0) } }
      }
      // Each byte another one: an error or a picture, in no more memory than the limit allows.
      for place in stride(from: 8, to: bytes.count, by: max(1, bytes.count / 200)) {
        var changed = bytes
        changed[place] ^= 0xA5
        changed.withUnsafeBytes { _ = try? Image.decode($0, maxBytes: 1 << 22) }
      }
    }
    let whole = Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/cats/rgb.png")))
    #expect { try whole.withUnsafeBytes { try Image.decode($0, maxBytes: 1000) } } throws: { ($0 as? FormatError)?.code == .limitExceeded }
    #expect { try Image.load("\(folder)/dogs/notes.txt") } throws: { "\($0)".contains("notes.txt") && "\($0)".contains("PNG or JPEG") }
    #expect(throws: StorageError.self) { try Image.load("\(folder)/none.png") }
    #expect(throws: StorageError.self) { try ImageFolder("\(folder)/none") }
    #expect(throws: FormatError.self) { try ImageFolder(folder, classNames: ["cats", "birds"]) }
  }
}
