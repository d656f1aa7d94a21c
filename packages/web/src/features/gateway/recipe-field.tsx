import { type Recipe, recipesList } from '@atrium/protocol';
import { useOperationList } from '../../data/operations.ts';
import { Button } from '../../ui/button.tsx';
import { FormField } from '../../ui/form-field.tsx';
import { Select } from '../../ui/select.tsx';
import type { RouteDraft } from './route-draft.ts';

const none = 'none';

/** The values of a recipe's settings for this very route. */
export const settingValue = (value: string, { path, host }: { path: string; host: string | null }): string => {
  const origin = host === null ? window.location.origin : `${window.location.protocol}//${host}`;
  const below = host === null ? path.replace(/\/+$/, '') : '';
  return value
    .replaceAll('{url}', `${origin}${below}`)
    .replaceAll('{origin}', origin)
    .replaceAll('{host}', host ?? window.location.host)
    .replaceAll('{path}', below === '' ? '/' : below)
    .replaceAll('//', (pair, at: number, all: string) => (all[at - 1] === ':' ? pair : '/'));
};

/** What a recipe would change, with the fields of the route that are there kept where it says nothing. */
export const withRecipe = (draft: RouteDraft, recipe: Recipe, based: boolean): Partial<RouteDraft> => {
  const { health, timeouts, ...fields } = { ...recipe.route, ...(based ? recipe.with_base : {}) };
  const prefix = based && recipe.with_base.strip_prefix === false ? (draft.path_base ?? '').replace(/\/+$/, '') : '';
  return {
    ...(fields as Partial<RouteDraft>),
    ...(health === undefined
      ? {}
      : { health: { ...draft.health, ...health, path: `${prefix}${health.path ?? draft.health.path}` } }),
    ...(timeouts === undefined ? {} : { timeouts: { ...draft.timeouts, ...timeouts } }),
    recipe: recipe.id,
  } as Partial<RouteDraft>;
};

/** Which app this is, what it needs to be told, and one button that sets the route. */
export const RecipeField = (props: {
  draft: RouteDraft;
  change: (part: Partial<RouteDraft>) => void;
  error: string | undefined;
}) => {
  const { draft, change, error } = props;
  const { items } = useOperationList(recipesList, { limit: 200 });
  const recipe = items.find(({ id }) => id === draft.recipe);
  const known = draft.recipe === null || items.length === 0 || recipe !== undefined;
  const place = { path: draft.path_base ?? '/', host: draft.mode === 'path' ? null : (draft.hosts[0] ?? null) };
  return (
    <div className="flex flex-col gap-3">
      <FormField label="App" required={false} error={error} hint="What is known of it fills in the rest">
        <Select
          value={draft.recipe ?? none}
          onChange={(id) => change({ recipe: id === none ? null : id })}
          options={[
            { value: none, label: 'None of these' },
            ...(known ? [] : [{ value: draft.recipe!, label: draft.recipe! }]),
            ...items.map(({ id, name }) => ({ value: id, label: name })),
          ]}
        />
      </FormField>
      {recipe !== undefined && (
        <section
          aria-label={`Hints for ${recipe.name}`}
          className="flex flex-col gap-3 rounded-control border border-line bg-sunken px-3 py-2.5 text-13 text-text-2"
        >
          {recipe.mode === 'host' && draft.mode === 'path' && (
            <p>It lives at the root: give it a host name of its own.</p>
          )}
          {recipe.base.length > 0 && (
            <dl className="flex flex-col gap-1.5">
              {recipe.base.map(({ setting, value, where }) => (
                <div key={setting} className="min-w-0">
                  <dt className="text-12 text-text-3">{where}</dt>
                  <dd className="break-all">
                    <code className="text-12 text-text">
                      {setting} = {settingValue(value, place)}
                    </code>
                  </dd>
                </div>
              ))}
            </dl>
          )}
          {recipe.notes.map((note) => (
            <p key={note} className="text-pretty">
              {note}
            </p>
          ))}
          <div className="flex flex-wrap gap-2">
            <Button size="small" onClick={() => change(withRecipe(draft, recipe, false))}>
              Apply to the route
            </Button>
            {recipe.base.length > 0 && draft.mode !== 'host' && (
              <Button size="small" onClick={() => change(withRecipe(draft, recipe, true))}>
                Apply, the app is set so
              </Button>
            )}
          </div>
        </section>
      )}
    </div>
  );
};
