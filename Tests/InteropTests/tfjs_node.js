// TensorFlow.js itself behind a pipe: one JSON request a line, one JSON answer a line.
// node tfjs_node.js tf.min.js
const fs = require('fs'), path = require('path'), readline = require('readline');
const quiet = () => {};
console.warn = quiet; console.log = quiet;
const tf = require(path.resolve(process.argv[2]));

function loader(file) {
  return {load: async () => {
    const document = JSON.parse(fs.readFileSync(file, 'utf8')), folder = path.dirname(file);
    const specs = [], parts = [];
    for (const group of document.weightsManifest || []) {
      specs.push(...group.weights);
      for (const name of group.paths) parts.push(fs.readFileSync(path.join(folder, name)));
    }
    const bytes = Buffer.concat(parts), data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    return {...document, weightSpecs: specs, weightData: data};
  }};
}

function tensor({dtype, shape, data}) {
  const bytes = Buffer.from(data, 'base64'), buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const values = dtype === 'int32' ? new Int32Array(buffer) : dtype === 'bool' ? new Uint8Array(buffer) : new Float32Array(buffer);
  return tf.tensor(values, shape, dtype);
}

function plain(result) {
  const values = result.dataSync();
  return {dtype: result.dtype, shape: result.shape,
          data: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')};
}

async function run({call, model, inputs}) {
  await tf.setBackend('cpu');
  const values = inputs.map(tensor);
  if (call === 'layers') {
    const loaded = await tf.loadLayersModel(loader(model));
    const results = loaded.predict(values.length === 1 ? values[0] : values);
    return [].concat(results).map(plain);
  }
  const loaded = await tf.loadGraphModel(loader(model));
  const feeds = {};
  loaded.inputs.forEach((input, index) => { feeds[input.name] = values[index]; });
  const results = await loaded.executeAsync(feeds);
  return [].concat(results).map(plain);
}

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    let answer;
    try { answer = {result: await run(JSON.parse(line))}; } catch (error) { answer = {error: String(error.stack || error)}; }
    process.stdout.write(JSON.stringify(answer) + '\n');
  }
})();
