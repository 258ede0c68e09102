// Node's own clients as they come: fetch, and http.request with a body in chunks.
import http from "node:http";
import https from "node:https";

const [url, key, body] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
const rows = `${url}/models/toy/invocations`;
const show = (status, text) => console.log(`${status} ${status === 200 ? text.trim() : ""}`);

async function fetched(address, options) {
  const reply = await fetch(address, options);
  show(reply.status, await reply.text());
}

function inChunks(more) {
  return new Promise((resolve, reject) => {
    const request = (url.startsWith("https") ? https : http).request(rows, { method: "POST", headers: { ...headers, ...more } }, (reply) => {
      let text = "";
      reply.on("data", (part) => (text += part));
      reply.on("end", () => resolve(show(reply.statusCode, text)));
    });
    request.on("error", reject);
    if (more.Expect) {
      request.on("continue", () => request.end(body));
      request.flushHeaders();
    } else {
      request.write(body.slice(0, 9));
      request.end(body.slice(9));
    }
  });
}

await fetched(`${url}/ping`, { headers });
await fetched(rows, { method: "POST", headers, body });
await inChunks({ Expect: "100-continue" });
await inChunks({});
await fetched(`${url}/nothing`, { method: "POST", headers, body });
await fetched(rows, { method: "POST", headers, body });
