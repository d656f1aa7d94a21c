import { type Recipe, recipeForm } from '@atrium/protocol';
import { z } from 'zod';
import { parseImage } from '../discovery/known-images.ts';
import shipped from './recipes.json' with { type: 'json' };

/** Hints for apps that many people run; a wrong one ends the start, so a test reads them all. */
export const recipes: readonly Recipe[] = z.array(recipeForm).parse(shipped);

const byImage = new Map(recipes.flatMap((recipe) => recipe.images.map((image) => [image, recipe] as const)));

export const recipeOfImage = (image: string): Recipe | null => byImage.get(parseImage(image).name) ?? null;

/** Fields of the route that the recipe wants, with its own name among them. */
export const routeOfRecipe = ({ id, route }: Recipe): Record<string, unknown> => ({ ...route, recipe: id });
