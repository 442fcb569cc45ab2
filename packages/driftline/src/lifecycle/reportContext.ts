// What a validation report says about the model besides its figures.

import type { Family, Question } from "../family/family.ts";
import type { Recipe } from "./recipe.ts";

export function reportContext(
  {
    family,
    question,
    recipe,
    recipeHash,
  }: {
    family: Family;
    question: Pick<Question, "key" | "conditions" | "software">;
    recipe: Recipe;
    recipeHash: string;
  },
  rows: number,
) {
  return {
    title: family.title,
    family: family.name,
    key: question.key,
    recipeHash,
    conditions: family.conditions.map((condition) => ({
      name: condition.name,
      value: question.conditions[condition.name],
      unit: condition.kind === "quantity" ? condition.unit : "",
    })),
    software: question.software,
    model: recipe.training.model,
    parent: recipe.parent,
    dataSource: recipe.data.source,
    rows,
  };
}
