// A real provider of OpenID Connect (npm oidc-provider) on loopback, with a front that can make mischief.
//
//   node tests/support/oidc_provider.mjs      prints "provider: listening on http://127.0.0.1:PORT"
//
// POST /__control with JSON: {"client": ADDRESS} where Varro listens; {"user": NAME, "groups": [...]} makes or changes
// one; {"remove": NAME}; {"rotate": true} new keys, the old ones gone; {"mode": NAME} of mischief, "" for none:
//   issuer, nonce, audience, expired, future, none, signature, hmac   of the ID tokens that it hands out
//   sender      of the redirect back (RFC 9207)
//   discovery   its description is another issuer's
//   down        no connection is answered
// GET /__state: how often each path was asked.
import { constants, createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { createServer, request } from 'node:http';
import Provider from 'oidc-provider';

const users = new Map();
const asked = {};
let mode = '';
let client = 'http://127.0.0.1:1';
let key;
let provider;
let issuer;
const cookieKeys = ['for tests only'];

// One store for all providers that follow each other: new keys end nobody's login.
const stored = new Map();
class Store {
  constructor(kind) { this.kind = kind; }
  #name(id) { return `${this.kind}:${id}`; }
  async find(id) { return this.kind === 'Client' ? clientNamed(id) : stored.get(this.#name(id)); }
  async findByUid(uid) { return [...stored].find(([name, value]) => name.startsWith(`${this.kind}:`) && value.uid === uid)?.[1]; }
  async findByUserCode() { return undefined; }
  async upsert(id, payload) { stored.set(this.#name(id), payload); }
  async consume(id) { stored.get(this.#name(id)).consumed = Math.floor(Date.now() / 1000); }
  async destroy(id) { stored.delete(this.#name(id)); }
  async revokeByGrantId(grant) {
    for (const [name, value] of stored) if (value.grantId === grant) stored.delete(name);
  }
}

function clientNamed(id) {
  if (id !== 'varro') return undefined;
  return {
    client_id: 'varro',
    client_secret: 'hush-hush',
    redirect_uris: [`${client}/login/oidc/callback`],
    post_logout_redirect_uris: [`${client}/login`],
    backchannel_logout_uri: `${client}/logout/backchannel`,
    backchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
}

function rotate() {
  key = { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
    kid: `key-${Math.random()}`, use: 'sig', alg: 'RS256' };
  const day = 86_400;
  provider = new Provider(issuer, {
    adapter: Store,
    jwks: { keys: [key] },
    cookies: { keys: cookieKeys },
    pkce: { required: () => true, methods: ['S256'] },
    scopes: ['openid', 'profile', 'email', 'offline_access'],
    claims: { openid: ['sub', 'sid'], profile: ['preferred_username', 'groups'], email: ['email'] },
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    ttl: { AccessToken: 3600, AuthorizationCode: 60, Grant: day, IdToken: 3600, Interaction: 600, RefreshToken: day,
      Session: day },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: { enabled: true, logoutSource: async (ctx, form) => {
        ctx.body = `<!DOCTYPE html>${form}<button id="leave" form="op.logoutForm" name="logout" value="yes">Leave</button>`;
      } },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    // Whoever logs in here has agreed.
    loadExistingGrant: async (ctx) => {
      const known = ctx.oidc.result?.consent?.grantId || ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
      if (known) return ctx.oidc.provider.Grant.find(known);
      const grant = new ctx.oidc.provider.Grant({ clientId: 'varro', accountId: ctx.oidc.session.accountId });
      grant.addOIDCScope('openid profile email offline_access');
      await grant.save();
      return grant;
    },
    findAccount: async (_, id) => users.has(id) && {
      accountId: id,
      claims: async () => ({ sub: id, preferred_username: id, email: `${id}@example.com`, ...users.get(id) }),
    } || undefined,
  });
  provider.on('server_error', (_, error) => console.error(error));
}

async function bodyOf(stream) {
  const parts = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

async function interact(req, res) {
  const details = await provider.interactionDetails(req, res);
  if (req.method === 'GET') {
    res.setHeader('content-type', 'text/html');
    res.end(`<!DOCTYPE html><form method="post" action="/interaction/${details.uid}"><input name="login" id="login">`
      + '<button id="enter">Enter</button></form>');
    return;
  }
  const login = new URLSearchParams((await bodyOf(req)).toString()).get('login');
  await provider.interactionFinished(req, res, users.has(login)
    ? { login: { accountId: login } } : { error: 'access_denied', error_description: 'nobody of that name' });
}

const inner = createServer((req, res) => {
  const answer = req.url.startsWith('/interaction/') ? interact(req, res) : provider.callback()(req, res);
  Promise.resolve(answer).catch((error) => { console.error(error); res.statusCode = 500; res.end(); });
});

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// The token with what the mode says changed, and signed again where that is not the mischief itself.
function spoiled(token) {
  const [head, body] = token.split('.').slice(0, 2).map((text) => JSON.parse(Buffer.from(text, 'base64url')));
  const now = Math.floor(Date.now() / 1000);
  Object.assign(body, { issuer: { iss: 'https://other.example' }, nonce: { nonce: 'another' }, audience: { aud: 'other' },
    expired: { exp: now - 3600 }, future: { iat: now + 3600 } }[mode]);
  if (mode === 'none') return `${part({ ...head, alg: 'none' })}.${part(body)}.`;
  if (mode === 'hmac') {
    const text = `${part({ ...head, alg: 'HS256' })}.${part(body)}`;
    const secret = createPublicKey({ key, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  }
  const signer = mode === 'signature' ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    : { key, format: 'jwk' };
  const text = `${part(head)}.${part(body)}`;
  const made = sign('RSA-SHA256', Buffer.from(text), mode === 'signature'
    ? { key: signer, padding: constants.RSA_PKCS1_PADDING } : signer);
  return `${text}.${made.toString('base64url')}`;
}

function changed(path, headers, body) {
  if (mode === 'sender' && headers.location?.startsWith(client))
    headers.location = headers.location.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fother.example');
  if (mode === 'discovery' && path === '/.well-known/openid-configuration')
    return Buffer.from(JSON.stringify({ ...JSON.parse(body), issuer: 'https://other.example' }));
  const tokens = path === '/token' && mode && body.toString().startsWith('{') ? JSON.parse(body) : {};
  return tokens.id_token ? Buffer.from(JSON.stringify({ ...tokens, id_token: spoiled(tokens.id_token) })) : body;
}

function control(order) {
  if (order.client) client = order.client;
  if (order.user) users.set(order.user, { groups: order.groups ?? [] });
  if (order.remove) users.delete(order.remove);
  if (order.rotate) rotate();
  if (order.mode !== undefined) mode = order.mode;
}

const front = createServer(async (req, res) => {
  const path = req.url.split('?')[0];
  const body = await bodyOf(req);
  if (path === '/__control' || path === '/__state') {
    if (body.length) control(JSON.parse(body));
    res.end(JSON.stringify(asked));
    return;
  }
  if (mode === 'down') {
    req.socket.destroy();
    return;
  }
  asked[path] = (asked[path] ?? 0) + 1;
  const onward = request({ host: '127.0.0.1', port: inner.address().port, path: req.url, method: req.method,
    headers: req.headers }, async (answer) => {
    const headers = { ...answer.headers };
    const sent = changed(path, headers, await bodyOf(answer));
    delete headers['transfer-encoding'];
    res.writeHead(answer.statusCode, { ...headers, 'content-length': sent.length });
    res.end(sent);
  });
  onward.on('error', () => req.socket.destroy());
  onward.end(body);
});

inner.listen(0, '127.0.0.1', () => front.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${front.address().port}`;
  rotate();
  console.log(`provider: listening on ${issuer}`);
}));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
