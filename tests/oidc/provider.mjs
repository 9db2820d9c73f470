// A real OpenID provider (node-oidc-provider, certified) for the tests, on loopback only.
//
//   node provider.mjs '{"port": 0, "audience": "https://…", "redirectUris": ["http://…"]}'
//
// It prints one line, its issuer, when it listens, and ends when its standard input does, so that it never outlives the test run. Anyone may sign in
// under any name, and whoever does has agreed to everything.
// What only a test needs:
//   POST /test/rotate?keep=true|false   a new signing key in front of the old ones, or instead of them
//   POST /test/person?name=anna         who signs in from now on at requests without login_hint

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const { port, audience, redirectUris } = JSON.parse(process.argv[2]);
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
let person = 'someone';
let jwks = { keys: [] };
let provider;
let answer;

function signingKeys() {
  const pairs = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    generateKeyPairSync('ed25519'),
  ];
  return pairs.map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig' }));
}

const machines = ALGORITHMS.map((algorithm) => ({
  client_id: `machine-${algorithm}`,
  client_secret: 'secret-of-a-machine',
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
}));

const web = {
  client_id: 'registry-web',
  client_secret: 'secret-of-the-web-login',
  grant_types: ['authorization_code'],
  response_types: ['code'],
  redirect_uris: redirectUris,
};

function claimsOf(name) {
  return { sub: name, name, email: `${name}@example.nl`, email_verified: true };
}

// Every resource that is asked for exists; the token is for that resource and signed as the name of the client says.
function resource(_, identifier, client) {
  const algorithm = client.clientId.replace('machine-', '');
  return {
    scope: 'api',
    audience: identifier,
    accessTokenFormat: 'jwt',
    accessTokenTTL: 3600,
    jwt: { sign: { alg: ALGORITHMS.includes(algorithm) ? algorithm : 'RS256' } },
  };
}

const configuration = {
  clients: [...machines, web],
  scopes: ['openid', 'profile', 'email', 'api'],
  claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  findAccount: (_, id) => ({ accountId: id, claims: () => claimsOf(id) }),
  extraTokenClaims: (_, token) => (token.accountId ? claimsOf(token.accountId) : undefined),
  pkce: { required: () => true },
  enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
  cookies: { keys: ['a key of a test'] },
  ttl: { AccessToken: 3600, ClientCredentials: 3600, Grant: 3600, IdToken: 3600, Interaction: 3600, Session: 3600 },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, defaultResource: () => audience, useGrantedResource: () => true, getResourceServerInfo: resource },
  },
};

function start(keys) {
  jwks = { keys };
  provider = new Provider(issuer(), { ...configuration, jwks });
  answer = provider.callback();
}

function issuer() {
  return `http://127.0.0.1:${server.address().port}`;
}

async function signIn(request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const accountId = params.login_hint ?? person;
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  grant.addResourceScope(params.resource ?? audience, 'api');
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function control(url, response) {
  if (url.pathname === '/test/rotate') {
    start([...signingKeys(), ...(url.searchParams.get('keep') === 'true' ? jwks.keys : [])]);
  } else {
    person = url.searchParams.get('name');
  }
  response.writeHead(204).end();
}

const server = createServer((request, response) => {
  const url = new URL(request.url, issuer());
  if (url.pathname.startsWith('/test/')) control(url, response);
  else if (url.pathname.startsWith('/interaction/')) signIn(request, response).catch((error) => response.writeHead(500).end(String(error)));
  else answer(request, response);
});

process.stdin.resume().on('end', () => process.exit());
server.listen(port, '127.0.0.1', () => {
  start(signingKeys());
  console.log(issuer());
});
