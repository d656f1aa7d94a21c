import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Provider } from 'oidc-provider';
import { requireWindow } from '../../../platform/http/page-proof.ts';
import { addressKey } from '../../../platform/limits/rate-limiter.ts';
import type { Caller } from '../../../platform/operations/caller.ts';
import type { ConsentService, OpenGrant, WaitingRequest } from '../consent-service.ts';
import { loadEngine } from '../engine/oidc-provider.ts';
import { inScope } from '../engine/request-scope.ts';
import { consentPage } from '../pages/consent-page.ts';
import { formTarget, html, page, pageHeadersFor } from '../pages/page.ts';
import { type DoorParts, personOf, scopeOf } from './engine-door.ts';

export interface InteractionParts extends DoorParts {
  provider: () => Provider;
  consent: ConsentService;
  sessionFacts: (sessionId: string) => Promise<{ amr: string[]; auth_time: Date } | null>;
}

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Answer =
  | { kind: 'redirect'; to: string }
  | { kind: 'page'; status: number; text: string; targets: (string | null)[] };

const messagePage = (status: number, title: string, sentence: string): Answer => ({
  kind: 'page',
  status,
  text: page(title, html`<h1>${title}</h1><p>${sentence}</p>`),
  targets: [],
});

const expired = messagePage(
  400,
  'This request has ended',
  'It took too long, was finished already, or began in another browser. Go back to the application and start again.',
);
const somebodyElse = messagePage(
  409,
  'Somebody else is signed in now',
  'This request began for another account in this browser. Go back to the application and start again.',
);
const foreignAgent = messagePage(
  403,
  'No such agent',
  'The application wants to act through an agent that none of your organisations has. Go back to the application.',
);
const foreign = messagePage(403, 'Not accepted', 'The form did not come from this page. Go back and try again.');

/** The engine no longer knows the request: it has ended, or was finished. */
const isGone = (error: unknown): boolean => error instanceof Error && error.constructor.name === 'SessionNotFound';

/** Sign-in and consent for one authorization request. Every page works without script. */
export class InteractionEndpoints {
  readonly #parts: InteractionParts;

  constructor(parts: InteractionParts) {
    this.#parts = parts;
  }

  async mount(app: FastifyInstance): Promise<void> {
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        'application/x-www-form-urlencoded',
        { parseAs: 'string', bodyLimit: 16 * 1024 },
        (_request, body, done) => done(null, new URLSearchParams(body as string)),
      );
      scope.addHook('onRequest', async (request) => requireWindow(request.headers));
      scope.get('/oauth/interaction/:uid', { exposeHeadRoute: false }, (request, reply) => this.#show(request, reply));
      scope.post('/oauth/interaction/:uid', (request, reply) => this.#decide(request, reply));
    });
  }

  #show(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    return this.#inRequest(request, reply, async (interaction, person) => {
      if (interaction.prompt.name === 'login') return await this.#signIn(request, reply, interaction, person);
      if (person === null) return this.#toLogin(interaction);
      // To the sign-in would be to and fro: it sends a person who is signed in straight back.
      if (person.id !== interaction.session?.accountId) return somebodyElse;
      return await this.#consent(interaction, person);
    });
  }

  #decide(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    return this.#inRequest(request, reply, async (interaction, person) => {
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      if (person === null) return this.#toLogin(interaction);
      // To the sign-in would be to and fro: it sends a person who is signed in straight back.
      if (person.id !== interaction.session?.accountId) return somebodyElse;
      if (interaction.prompt.name !== 'consent') return expired;
      if (!this.#parts.consent.checksCsrf(interaction.uid, person, form.get('csrf'))) return foreign;
      const provider = this.#parts.provider();
      const finish = async (result: Record<string, unknown>, merge: boolean): Promise<Answer> => ({
        kind: 'redirect',
        to: await provider.interactionResult(request.raw, reply.raw, result, { mergeWithLastSubmission: merge }),
      });
      const denied = { error: 'access_denied', error_description: 'the person denied the request' };
      if (form.get('decision') !== 'allow') return await finish(denied, false);
      const client = await provider.Client.find(String(interaction.params['client_id']));
      if (client === undefined) return expired;
      const grantId = await this.#parts.consent.allow(
        waiting(interaction),
        client,
        person,
        { org: form.get('org') ?? '', scopes: form.getAll('scope') },
        () => new provider.Grant({ clientId: client.clientId, accountId: person.id }) as unknown as OpenGrant,
      );
      return grantId === null ? await finish(denied, false) : await finish({ consent: { grantId } }, true);
    });
  }

  async #signIn(
    request: FastifyRequest,
    reply: FastifyReply,
    interaction: Interaction,
    person: Caller | null,
  ): Promise<Answer> {
    const facts = person?.credential.id == null ? null : await this.#parts.sessionFacts(person.credential.id);
    if (person === null || facts === null) return this.#toLogin(interaction);
    const authTime = Math.floor(facts.auth_time.getTime() / 1000);
    const { reasons } = interaction.prompt;
    const again = reasons.includes('login_prompt') || reasons.includes('max_age');
    // Of the same second counts as before, since the request knows no finer time.
    if (again && authTime <= interaction.iat) return this.#toLogin(interaction, true);
    const login = { accountId: person.id, ts: authTime, amr: facts.amr, remember: true };
    const to = await this.#parts
      .provider()
      .interactionResult(request.raw, reply.raw, { login }, { mergeWithLastSubmission: false });
    return { kind: 'redirect', to };
  }

  async #consent(interaction: Interaction, person: Caller): Promise<Answer> {
    const client = await this.#parts.provider().Client.find(String(interaction.params['client_id']));
    if (client === undefined) return expired;
    const view = await this.#parts.consent.view(waiting(interaction), client, person);
    if (view === null) return foreignAgent;
    const redirect = interaction.params['redirect_uri'];
    return {
      kind: 'page',
      status: 200,
      text: consentPage(view),
      targets: [formTarget(typeof redirect === 'string' ? redirect : undefined)],
    };
  }

  #toLogin(interaction: Interaction, again = false): Answer {
    const query = new URLSearchParams({ return_to: `/oauth/interaction/${interaction.uid}` });
    if (again) query.set('again', '1');
    return { kind: 'redirect', to: `/login?${query}` };
  }

  /** The engine's state and ours change in one transaction, and the answer goes out after it. */
  async #inRequest(
    request: FastifyRequest,
    reply: FastifyReply,
    act: (interaction: Interaction, person: Caller | null) => Promise<Answer>,
  ): Promise<FastifyReply> {
    const { gate, public_url } = this.#parts;
    gate.address(addressKey(request.ip));
    await loadEngine();
    const person = await personOf(request, this.#parts);
    const scope = scopeOf(request, this.#parts, person);
    scope.of_a_person = true;
    const answer = await inScope(scope, async () => {
      try {
        const interaction = await this.#waiting(request, reply);
        const done = interaction === null ? expired : await act(interaction, person);
        await scope.end(true);
        return done;
      } catch (error) {
        await scope.end(false);
        // The same person was faster in another tab, between two looks at the request.
        if (isGone(error)) return expired;
        throw error;
      }
    });
    if (answer.kind === 'redirect')
      return reply.code(303).headers({ location: answer.to, 'cache-control': 'no-store' }).send();
    return reply.code(answer.status).headers(pageHeadersFor(public_url(), answer.targets)).send(answer.text);
  }

  async #waiting(request: FastifyRequest, reply: FastifyReply): Promise<Interaction | null> {
    try {
      const interaction = await this.#parts.provider().interactionDetails(request.raw, reply.raw);
      return interaction.uid === (request.params as { uid: string }).uid ? interaction : null;
    } catch (error) {
      if (isGone(error)) return null;
      throw error;
    }
  }
}

const waiting = (interaction: Interaction): WaitingRequest => ({
  uid: interaction.uid,
  params: interaction.params,
  details: interaction.prompt.details as WaitingRequest['details'],
});
