import { type Html, html, page, shieldAlert, shieldCheck } from './page.ts';

export interface ConsentView {
  uid: string;
  csrf: string;
  person: string;
  /** Where somebody else signs in and is asked instead; null when the request cannot begin again. */
  other_account: string | null;
  client: {
    name: string;
    /** `operator`: vouched for by whoever runs this server. */
    verified: boolean;
    /** Host of a client that is a document, or of where the answer goes; a device has none. */
    host: string;
    host_is: 'document' | 'redirect' | 'none';
    registered_at: Date | null;
  };
  /** Through whom the application acts. */
  agent: {
    name: string;
    kind: 'agent' | 'device' | 'service';
    owner: string | null;
    role: string;
    items: 'own' | 'org' | 'channels';
  } | null;
  redirect: string;
  /** The answer goes to a program on the computer in front of the person. */
  on_this_computer: boolean;
  resources: readonly { name: string; address: string }[];
  scopes: readonly { scope: string; words: string; optional: boolean; privileged: boolean; added: boolean }[];
  details: readonly string[];
  orgs: readonly { id: string; name: string; chosen: boolean }[];
  lasts: string;
  known_before: boolean;
}

const kinds = { agent: 'the agent', device: 'the device', service: 'the service' } as const;
const reach = {
  own: 'its own items',
  org: 'items of the whole organisation',
  channels: 'items of some channels',
} as const;

const day = (date: Date): string => date.toISOString().slice(0, 10);

/** A name that somebody gave themselves never stands where a name does that an operator vouches for. */
const whoAsks = ({ client }: ConsentView): Html =>
  client.verified
    ? html`<h1>${client.name} asks for access</h1>
<p class="trust known">${shieldCheck}<span>Registered by an operator of this server${
        client.host_is !== 'none' && html`, for <span class="host">${client.host}</span>`
      }</span></p>`
    : html`<h1>${client.host_is === 'none' ? 'A device' : html`<span class="host">${client.host}</span>`} asks for access</h1>
<p>${
        client.host_is === 'document'
          ? html`It calls itself <strong>${client.name}</strong>.`
          : html`The application calls itself <strong>${client.name}</strong>.`
      }</p>
<p class="warning trust">${shieldAlert}<span><strong>Unverified.</strong> Nobody has checked who made it${
        client.registered_at !== null &&
        html`; it <span class="keep">registered itself on ${day(client.registered_at)}</span>`
      }. Allow it only if you started this yourself.</span></p>`;

const scopeRow = ({ scope, words, optional, privileged, added }: ConsentView['scopes'][number]): Html => {
  const tags = html`${added && html`<span class="tag">New</span>`}${privileged && html`<span class="tag strong">Privileged</span>`}`;
  return optional
    ? html`<li><label><input type="checkbox" name="scope" value="${scope}" checked><span>${words}</span>${tags}</label></li>`
    : html`<li><span>${words}</span>${tags}<span class="tag">Always</span><input type="hidden" name="scope" value="${scope}"></li>`;
};

/** Who asks for what, for how long, and who they really are: the host stands above any name they gave themselves. */
export const consentPage = (view: ConsentView): string =>
  page(
    'Allow access',
    html`${whoAsks(view)}
${
  view.agent !== null &&
  html`<h2>It acts through ${kinds[view.agent.kind]} <strong>${view.agent.name}</strong></h2>
<dl>
<dt>Belongs to</dt><dd>${view.agent.owner ?? 'the organisation'}</dd>
<dt>Its limits</dt><dd>The role ${view.agent.role}, ${reach[view.agent.items]}. It gets no right that it does not have itself.</dd>
</dl>`
}
<form method="post" action="/oauth/interaction/${view.uid}">
<input type="hidden" name="csrf" value="${view.csrf}">
<h2 id="wants">It wants to</h2>
<ul aria-labelledby="wants">${view.scopes.map(scopeRow)}${view.details.map(
      (detail) => html`<li><strong>${detail}</strong></li>`,
    )}</ul>
<dl>
<dt>As</dt><dd><strong>${view.person}</strong>${
      view.other_account !== null &&
      html`<span class="soft"><a href="${view.other_account}">Use another account</a></span>`
    }</dd>
${view.orgs.length === 1 && html`<dt>Organisation</dt><dd>${view.orgs[0]!.name}</dd>`}
${
  view.resources.length > 0 &&
  html`<dt>Reaches</dt><dd>${view.resources.map(
    ({ name, address }) => html`${name}<span class="soft">${address}</span>`,
  )}</dd>`
}
<dt>Answer goes to</dt><dd>${view.redirect}${
      view.on_this_computer && html`<span class="soft">A program on the computer that you use now</span>`
    }</dd>
<dt>Lasts</dt><dd>${view.lasts}</dd>
</dl>
${
  view.orgs.length > 1
    ? html`<label>Organisation<select name="org">${view.orgs.map(
        ({ id, name, chosen }) => html`<option value="${id}"${chosen && html` selected`}>${name}</option>`,
      )}</select></label>`
    : view.orgs.map(({ id }) => html`<input type="hidden" name="org" value="${id}">`)
}
<p class="soft">${
      view.known_before && 'You allowed this application before. '
    }You can withdraw this under Connected apps in your settings.</p>
<div class="actions">
<button type="submit" name="decision" value="deny">Deny</button>
<button class="primary" type="submit" name="decision" value="allow">Allow</button>
</div>
</form>`,
  );
