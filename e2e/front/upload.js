// What a front end does, with nothing but fetch(): sign, put, confirm, ask until the file is ready, show a thumbnail.
const query = new URLSearchParams(location.search);
const api = query.get("api");
const token = new URLSearchParams(location.hash.slice(1)).get("token");

function step(text) {
  const item = document.createElement("li");
  item.textContent = text;
  document.getElementById("steps").append(item);
}

async function call(method, path, body) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body) headers["Content-Type"] = "application/json";
  const response = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, answer: await response.json() };
}

async function sha256(bytes) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function put(upload, bytes) {
  const response = await fetch(upload.url, { method: upload.method, headers: upload.headers, body: bytes });
  return { status: response.status, etag: response.headers.get("ETag") };
}

async function untilReady(id) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const { answer } = await call("GET", `/api/files/${id}`);
    if (!["uploaded", "processing"].includes(answer.state)) return answer;
    await new Promise((resume) => { setTimeout(resume, 200); });
  }
  throw new Error("never ready");
}

async function send(file) {
  const bytes = await file.arrayBuffer();
  const signed = await call("POST", "/api/uploads/sign", {
    purpose: "image", filename: file.name, content_type: file.type, size: bytes.byteLength, sha256: await sha256(bytes),
  });
  step(`sign ${signed.status} ${signed.answer.state}`);
  const { upload } = signed.answer;
  const first = await put(upload, bytes);
  step(`put ${first.status} ${first.etag ? "with ETag" : "without ETag"}`);
  step(`put again ${(await put(upload, bytes)).status}`);
  const confirmed = await call("POST", signed.answer.confirm.replace(api, ""), { file_id: signed.answer.file_id });
  step(`confirm ${confirmed.status} ${confirmed.answer.state}`);
  const ready = await untilReady(signed.answer.file_id);
  step(`file ${ready.state}`);
  const picture = new Image();
  picture.alt = "Thumbnail";
  picture.src = ready.thumbnails[0].url;
  await picture.decode();
  document.getElementById("shown").append(picture);
  return `shown ${picture.naturalWidth} x ${picture.naturalHeight}`;
}

document.getElementById("file").addEventListener("change", async (event) => {
  const outcome = document.getElementById("outcome");
  try {
    outcome.textContent = await send(event.target.files[0]);
  } catch (error) {
    outcome.textContent = `failed: ${error.message}`;
  }
});
