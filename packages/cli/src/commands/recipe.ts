import { Reto3Error } from '@reto3/core';
import { defineCommand } from '../command.ts';
import { recipes } from '../recipes.ts';
import { printLine } from '../terminal/standard-streams.ts';
import { tableLines } from '../terminal/table.ts';

export default defineCommand({
  summary: "Print configuration that lets reto3 count another program's traffic",
  description:
    'Prints a recipe as a file, or as lines for a shell. Without a name it lists the recipes, and whether our tests run them with the real program; the others follow its documentation.',
  args: {
    recipe: { description: recipes.map(({ name }) => name).join(', ') },
  },
  flags: {},
  examples: [
    'reto3 recipe',
    {
      description: 'A log with milliseconds, for nginx',
      command: 'reto3 recipe nginx > /etc/nginx/conf.d/reto3.conf',
    },
  ],
  run: async (_, args) => {
    if (args.recipe === undefined) {
      const rows = recipes.map(({ name, title, isRun }) => [
        ...[name, isRun ? 'tested' : 'untested', title],
      ]);
      printLine(tableLines(rows).join('\n'));
      return;
    }
    const recipe = recipes.find(({ name }) => name === args.recipe);
    if (recipe === undefined) {
      throw new Reto3Error('RETO3_BAD_COMMAND', `there is no recipe "${args.recipe}"`, {
        hint: `want one of ${recipes.map(({ name }) => name).join(', ')}`,
      });
    }
    const { isRun, text } = recipe;
    const origin = isRun ? '' : '# From the documentation of the program; not run in our tests.\n';
    process.stdout.write(`${origin}${text}`);
  },
});
