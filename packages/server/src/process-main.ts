import { runFurther } from './main.ts';

/** A further process of a server that shares its port; see app/process-group.ts. */
await runFurther();
