// A program: `node kms-door.ts HOST PORT KMS` stands before a KMS server and refuses Decrypt as AWS refuses a caller without the right
// (AccessDeniedException in JSON, HTTP 400); everything else passes.
import { createServer, request } from 'node:http';

const [host = '', port = '', kms = ''] = process.argv.slice(2);
const DENIAL = {
  __type: 'AccessDeniedException',
  Message:
    'User: arn:aws:sts::000000000000:assumed-role/serving/pod is not authorized to perform: kms:Decrypt on this resource because no identity-based policy allows the kms:Decrypt action',
};

createServer((incoming, answer) => {
  if (incoming.headers['x-amz-target'] === 'TrentService.Decrypt') {
    incoming.resume();
    answer
      .writeHead(400, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': '00000000-0000-4000-8000-000000000000' })
      .end(JSON.stringify(DENIAL));
    return;
  }
  const onward = request(new URL(incoming.url ?? '/', kms), { method: incoming.method, headers: incoming.headers }, (reply) => {
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(answer);
  });
  onward.on('error', () => answer.destroy());
  incoming.pipe(onward);
}).listen(Number(port), host);
