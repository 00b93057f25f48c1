// Time is a parameter of every rule and statement, so that tests own it. Nothing else in src reads the wall clock.

export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
