import type { ParsedInputOf, recipesList } from '@atrium/protocol';
import { textPosition, toPage } from '../../../platform/paging/keyset.ts';
import { recipeOfImage, recipes } from './recipes.ts';

const idForm = /^[a-z0-9-]{1,64}$/;

/** Reads the recipes that came with this version. */
export const listRecipes = ({ q, image, limit, cursor }: ParsedInputOf<typeof recipesList>) => {
  const after = textPosition(cursor, (id) => idForm.test(id));
  const ofImage = image === undefined ? undefined : recipeOfImage(image);
  const wanted = (q ?? '').toLowerCase();
  const found = recipes.filter(
    (recipe) =>
      (ofImage === undefined || recipe === ofImage) &&
      (recipe.id.includes(wanted) || recipe.name.toLowerCase().includes(wanted)) &&
      (after === null || recipe.id > after.id),
  );
  return toPage(
    found.slice(0, limit + 1),
    limit,
    ({ id }) => ({ value: id, id }),
    (recipe) => recipe,
  );
};
