// How long a test on the cluster may take: pods start in seconds on a quiet machine, and this one may not be quiet.
import { jest } from '@jest/globals';

jest.setTimeout(120_000);
