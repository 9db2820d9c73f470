// One upload by tus-js-client, in the way that `way` names. Takes one JSON argument. Prints one line of JSON: the answers that the client saw, the
// addresses that it used, and its error if it gave up.
import { createReadStream, readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import * as tus from "tus-js-client";

const { way, slow, fast, token, file, metadata, storage } = JSON.parse(process.argv[2]);
const PIECE = 300_000;
const answers = [];
let forgets = () => false; // whether a request goes without its token

const overTheFastLine = (url) => new URL(new URL(url).pathname, fast).href;

class Upload extends tus.Upload {
  constructor(endpoint, more = {}, source = readFileSync(file)) {
    let end;
    super(source, {
      endpoint,
      metadata,
      headers: { Authorization: `Bearer ${token}`, "Accept-Language": "en" },
      retryDelays: [100, 500, 1000, 3000],
      onBeforeRequest: (request) => {
        if (forgets(request.getMethod())) request.setHeader("Authorization", "Bearer forgotten");
      },
      onAfterResponse: (request, response) => {
        answers.push([request.getMethod(), response.getStatus(), response.getHeader("Upload-Offset") ?? null]);
      },
      onSuccess: () => end(null),
      onError: (error) => end(error.message),
      ...more,
    });
    this.end = new Promise((resolve) => (end = resolve));
  }

  run() {
    this.start();
    return this.end;
  }

  async hasArrivedInPart() {
    for (;;) {
      await pause(50);
      if (this.url === null) continue;
      const answer = await fetch(overTheFastLine(this.url), { headers: { Authorization: `Bearer ${token}` } });
      if ((await answer.json()).offsetBytes > 0) return;
    }
  }
}

async function half(more) {
  const upload = new Upload(slow, more);
  upload.run();
  await upload.hasArrivedInPart();
  return upload;
}

async function brokenOff(more) {
  const upload = await half(more);
  await upload.abort();
  await pause(200); // started again at once, it takes the end of its own request for a failure, and goes on twice
  return upload;
}

const forgetsOnce = (method, before = 0) => {
  let number = 0;
  forgets = (asked) => asked === method && number++ === before;
};

const stream = () => createReadStream(file).pipe(new PassThrough());

const ways = {
  "one PATCH": () => new Upload(fast).run(),
  "one PATCH, slowly": () => new Upload(slow).run(),
  "one PATCH of a file": () => new Upload(fast, { addRequestId: true }, createReadStream(file)).run(),
  "with the creation": () => new Upload(fast, { uploadDataDuringCreation: true }).run(),
  "with the creation, in pieces": () => new Upload(fast, { uploadDataDuringCreation: true, chunkSize: PIECE }).run(),
  "in pieces": () => new Upload(fast, { chunkSize: PIECE }).run(),
  "POST only": () => new Upload(fast, { chunkSize: PIECE, overridePatchMethod: true }).run(),
  "length told last": () => new Upload(fast, { uploadLengthDeferred: true, chunkSize: PIECE }, stream()).run(),
  "length told last, with the creation": () =>
    new Upload(fast, { uploadLengthDeferred: true, uploadDataDuringCreation: true, chunkSize: PIECE }, stream()).run(),
  "from a stored address": async () => {
    const first = await brokenOff();
    return new Upload(fast, { uploadUrl: overTheFastLine(first.url) }).run();
  },
  "from a remembered address": async () => {
    const remembered = { urlStorage: new tus.FileUrlStorage(storage), fingerprint: async () => metadata.photoId };
    await brokenOff(remembered);
    const second = new Upload(fast, remembered);
    const [known] = await second.findPreviousUploads();
    second.resumeFromPreviousUpload(known);
    return second.run();
  },
  "ended, then anew": async () => {
    const first = await half();
    await first.abort(true);
    return new Upload(fast).run();
  },
  "token forgotten with HEAD": async () => {
    const upload = await brokenOff();
    forgetsOnce("HEAD");
    return upload.run();
  },
  "token forgotten with PATCH": async () => {
    const upload = new Upload(fast, { chunkSize: PIECE });
    forgetsOnce("PATCH", 1);
    if ((await upload.run()) === null) return "the refusal went unnoticed";
    return new Upload(fast, { uploadUrl: upload.url }).run();
  },
  "in parallel": () => new Upload(fast, { parallelUploads: 2 }).run(),
};

const error = await ways[way]();
console.log(JSON.stringify({ error, answers }));
process.exit();
