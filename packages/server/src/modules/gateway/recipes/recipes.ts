import { type Recipe, recipeForm } from '@atrium/protocol';
import { z } from 'zod';
import { parseImage } from '../discovery/known-images.ts';
import shipped from './recipes.json' with { type: 'json' };

/** Hints for apps that many people run; a wrong one ends the start, so a test reads them all. */
export const recipes: readonly Recipe[] = z.array(recipeForm).parse(shipped);

const byId = new Map(recipes.map((recipe) => [recipe.id, recipe]));
const byImage = new Map(recipes.flatMap((recipe) => recipe.images.map((image) => [image, recipe] as const)));

export const recipeOf = (id: string): Recipe | null => byId.get(id) ?? null;
export const recipeOfImage = (image: string): Recipe | null => byImage.get(parseImage(image).name) ?? null;

/** Fields of the route that the recipe wants, with its own name among them. */
export const routeOfRecipe = (recipe: Recipe): Record<string, unknown> => {
  // Who must live at the root can still be opened by path, with its pages rewritten; only the hint says better.
  const { route } = recipe;
  return { ...route, recipe: recipe.id };
};
