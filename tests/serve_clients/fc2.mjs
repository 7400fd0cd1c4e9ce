// Makes the calls that standard input lists, with @alicloud/fc2, and prints what came of each.
import { createRequire } from "node:module";

const FC = createRequire(process.env.FCALL_NODE_MODULES + "/")("@alicloud/fc2");

const client = new FC("000000000000", {
  endpoint: process.argv[2],
  region: "local",
  accessKeyID: "key",
  accessKeySecret: "secret",
});

async function outcome(call) {
  const payload = Buffer.from(call.payload, "base64");
  try {
    // The sixth argument has the answer as it came; without it the SDK reads JSON by itself.
    const answer = await client.invokeFunction(call.service, call.function, payload, call.headers, call.qualifier, {
      rawBuf: true,
    });
    const data = Buffer.isBuffer(answer.data) ? answer.data : Buffer.from(JSON.stringify(answer.data)); // a parsed error
    return { headers: answer.headers, payload: data.toString("base64") };
  } catch (error) {
    return { code: error.code, name: error.name, message: error.message };
  }
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
const outcomes = [];
for (const call of JSON.parse(text)) outcomes.push(await outcome(call));
console.log(JSON.stringify(outcomes));
