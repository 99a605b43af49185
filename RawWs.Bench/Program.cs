using BenchmarkDotNet.Running;
using RawWs.Bench.Fuzz;
using RawWs.Bench.Load;
using RawWs.Bench.Peers;
using RawWs.Bench.Reliability;

// `load`, `compare` and `chart` measure whole servers, of which `serve NAME` is one; `idle [COUNT [deflate|takeover]]` and
// the loads of Reliability see whether promises are kept; `fuzz …` is run by fuzz.sh; everything else is for
// BenchmarkDotNet.
if (args is ["idle", ..])
    return await IdleMemory.RunAsync(args.AsMemory(1));
if (args is [IdleMemory.ClientCommand, var port, var connections, var mode])
    return await IdleMemory.ConnectAsync(int.Parse(port, null), int.Parse(connections, null), mode);
if (args is ["load" or "compare" or "chart", ..])
    return await LoadCommand.RunAsync(args);
if (args is [ServeVerb.Name, var peer])
    return await ServeVerb.RunAsync(peer);
if (args is ["fuzz", var target, .. var inputs])
    return FuzzDriver.Run(target, inputs);
if (await Loads.TryRunAsync(args) is { } exitCode)
    return exitCode;

BenchmarkSwitcher.FromAssembly(typeof(IdleMemory).Assembly).Run(args);
return 0;
