import ArgumentParser
import ModelKit
import ModelSupport
import ModelTraining

struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Goes on training a model on arrays from an .npz file.",
    discussion: """
      A model of any format trains through its parameters: layers come back as layers, operators as \
      operators. The keys of the archives are the model's input and output names, or x and y when \
      there is one of each; sample_weight, if present, says what each sample counts. The first axis \
      counts the samples.

      Without --loss and --optimizer, a model that Keras or modelctl saved compiled goes on as it was \
      compiled, its optimiser where it stood.

      Losses: \(Losses.names.joined(separator: ", ")).

      Optimisers: \(Optimizers.names.joined(separator: ", ")).

      Metrics: \(Metrics.names.joined(separator: ", ")).
      """)

  @Argument(help: "The model to go on with.")
  var model: String
  @Option(help: ArgumentHelp("Inputs and targets to train on.", valueName: "train.npz"))
  var data: String
  @Option(help: ArgumentHelp("Inputs and targets to evaluate after each epoch.", valueName: "val.npz"))
  var validation: String?
  @Option(help: ArgumentHelp("Keep this fraction of the samples, those at the end, for validation.", valueName: "x"))
  var validationSplit = 0.0
  @Option(help: ArgumentHelp("What is made small, by Keras's name; once for all outputs, or for each in order.", valueName: "name"))
  var loss: [String] = []
  @Option(help: ArgumentHelp("What an output's loss counts, for each output in order.", valueName: "x"))
  var lossWeight: [Double] = []
  @Flag(help: "The model gives logits, not probabilities.")
  var fromLogits = false
  @Option(help: ArgumentHelp("Smooth the labels of a cross-entropy.", valueName: "x"))
  var labelSmoothing: Double?
  @Option(help: ArgumentHelp("What else is measured, by Keras's name: accuracy, auc, …; can be repeated.", valueName: "name"))
  var metric: [String] = []
  @Option(help: ArgumentHelp("The optimiser, by Keras's name.", valueName: "name"))
  var optimizer: String?
  @Option(help: ArgumentHelp("The learning rate (default: the optimiser's).", valueName: "x"))
  var learningRate: Double?
  @Option(help: ArgumentHelp("Momentum of sgd, rmsprop and muon.", valueName: "x"))
  var momentum: Double?
  @Option(help: ArgumentHelp("Weight decay.", valueName: "x"))
  var weightDecay: Double?
  @Option(help: ArgumentHelp("Scale each gradient down to this norm.", valueName: "x"))
  var clipnorm: Double?
  @Option(help: ArgumentHelp("Scale all gradients together down to this norm.", valueName: "x"))
  var globalClipnorm: Double?
  @Option(help: ArgumentHelp("Hold the elements of gradients between -x and x.", valueName: "x"))
  var clipvalue: Double?
  @Option(help: ArgumentHelp("How often to go through the data.", valueName: "n"))
  var epochs: Int
  @Option(help: ArgumentHelp("Samples a step.", valueName: "n"))
  var batchSize: Int
  @Flag(help: "Take the samples in the order of the file.")
  var noShuffle = false
  @Option(help: ArgumentHelp("Seeds the order of samples and whatever the model draws.", valueName: "n"))
  var seed = 0
  @Option(help: ArgumentHelp("Where to write the trained model; must not exist unless --force is given.", valueName: "out"))
  var output: String
  @Option(help: ArgumentHelp("The format to write (default: by the extension of the output, else the model's own).", valueName: "format"))
  var to: ModelFormat?
  @Option(
    help: ArgumentHelp("Keep there what the run needs to go on after it was ended, and go on with what is found there.", valueName: "dir"))
  var backup: String?
  @Option(help: ArgumentHelp("Batches between two backups (default: one after each epoch).", valueName: "n"))
  var backupEvery: Int?
  @Option(help: ArgumentHelp("Also write event files for TensorBoard.", valueName: "dir"))
  var tensorboard: String?
  @Option(help: ArgumentHelp("Also draw the learning curves.", valueName: "file.svg"))
  var plot: String?
  @OptionGroup var source: SourceOptions
  @Flag(name: .customLong("no-verify"), help: "Do not compare what was written with the trained model.")
  var skipsVerification = false
  @Flag(help: "Replace an existing output.")
  var force = false
  @Flag(help: "Print one JSON document.")
  var json = false

  func validate() throws {
    guard (1...1_000_000).contains(epochs) else { throw ValidationError("--epochs must be from 1 to 1000000.") }
    guard (1...16_777_216).contains(batchSize) else { throw ValidationError("--batch-size must be from 1 to 16777216.") }
    guard (0..<1).contains(validationSplit) else { throw ValidationError("--validation-split must be at least 0 and below 1.") }
    guard validation == nil || validationSplit == 0 else { throw ValidationError("Give --validation or --validation-split, not both.") }
    for (name, value) in [
      ("--learning-rate", learningRate), ("--clipnorm", clipnorm), ("--global-clipnorm", globalClipnorm), ("--clipvalue", clipvalue),
    ] {
      if let value, !(value > 0 && value.isFinite) { throw ValidationError("\(name) must be a number above 0.") }
    }
    for (name, value) in [("--momentum", momentum), ("--weight-decay", weightDecay), ("--label-smoothing", labelSmoothing)] {
      if let value, !(value >= 0 && value <= 1) { throw ValidationError("\(name) must be from 0 to 1.") }
    }
    guard optimizer != nil || loss.isEmpty, optimizer == nil || !loss.isEmpty else {
      throw ValidationError("Give --loss and --optimizer, or neither to go on as the model was compiled.")
    }
    guard
      optimizer != nil
        || metric.isEmpty && lossWeight.isEmpty && !fromLogits
          && [labelSmoothing, learningRate, momentum, weightDecay, clipnorm, globalClipnorm, clipvalue].allSatisfy({ $0 == nil })
    else { throw ValidationError("Options of loss, metrics and optimiser go with --loss and --optimizer.") }
    guard (1...1_000_000_000).contains(backupEvery ?? 1) else { throw ValidationError("--backup-every must be 1 or more.") }
    guard backupEvery == nil || backup != nil else { throw ValidationError("--backup-every goes with --backup.") }
    guard lossWeight.allSatisfy(\.isFinite) else { throw ValidationError("--loss-weight must be a number.") }
  }

  func run() throws {
    var options = TrainingOptions(optimizer: optimizer, epochs: epochs, batchSize: batchSize)
    options.losses = loss
    options.backupDirectory = backup
    options.backupEvery = backupEvery
    options.logDirectory = tensorboard
    options.lossWeights = lossWeight
    options.fromLogits = fromLogits
    options.labelSmoothing = labelSmoothing
    options.metrics = metric
    options.learningRate = learningRate
    options.momentum = momentum
    options.weightDecay = weightDecay
    options.clipNorm = clipnorm
    options.globalClipNorm = globalClipnorm
    options.clipValue = clipvalue
    options.shuffles = !noShuffle
    options.seed = seed
    options.validationSplit = validationSplit
    options.read = source.read
    options.format = to
    options.replacesExisting = force
    options.verifies = !skipsVerification
    let progress = Progress()
    options.onProgress = { [epochs] epoch, part in progress.show("epoch \(epoch) of \(epochs),", part) }
    // A picture that can't be written is not noticed after hours.
    if let plot { _ = try AtomicOutput(destination: plot, replaceExisting: true) }
    let report: TrainingReport
    do {
      defer { progress.clear() }
      report = try about(model) {
        try TrainingJob(options: options).run(model, data: data, validation: validation, output: output)
      }
    }
    if let plot {
      let panels = report.figures.filter { !$0.hasPrefix("val_") }
      try LearningCurves(report.history, panels: panels, title: model.split(separator: "/").last.map(String.init) ?? model).save(plot)
    }
    print(json ? report.json.text(.indented) : report.text, terminator: json ? "\n" : "")
  }
}
