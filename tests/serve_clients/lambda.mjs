// Makes the calls that standard input lists, with @aws-sdk/client-lambda, and prints what came of each.
import { createRequire } from "node:module";

const { InvokeCommand, LambdaClient } = createRequire(process.env.FCALL_NODE_MODULES + "/")("@aws-sdk/client-lambda");

const client = new LambdaClient({
  endpoint: process.argv[2],
  region: "eu-west-1",
  credentials: { accessKeyId: "key", secretAccessKey: "secret" },
  maxAttempts: 1,
});

async function outcome(call) {
  const Payload = call.Payload === undefined ? undefined : Buffer.from(call.Payload, "base64");
  try {
    const answer = await client.send(new InvokeCommand({ ...call, Payload }));
    return {
      status: answer.StatusCode,
      error: answer.FunctionError ?? null,
      payload: Buffer.from(answer.Payload ?? []).toString("base64"),
      version: answer.ExecutedVersion ?? null,
      log: answer.LogResult ?? null,
      id: answer.$metadata.requestId,
    };
  } catch (error) {
    return { status: error.$metadata?.httpStatusCode, code: error.name, message: error.message };
  }
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
const outcomes = [];
for (const call of JSON.parse(text)) outcomes.push(await outcome(call));
console.log(JSON.stringify(outcomes));
