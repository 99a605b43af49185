using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class HttpLimitsTests
{
    [Test]
    public void A_limit_out_of_range_is_misuse()
    {
        Assert.That(() => new HttpLimits { MaxHeaderBytes = -1 },
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new HttpLimits { MaxHeaders = int.MaxValue },
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new HttpLimits { MaxBodyBytes = -1 },
            Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void The_buffer_for_a_head_is_4_KiB_over_the_larger_limit()
    {
        Assert.That(new HttpLimits().MaxHeadBytes, Is.EqualTo(36864));
        Assert.That(new HttpLimits { MaxRequestLineBytes = 65536 }.MaxHeadBytes, Is.EqualTo(69632));
    }
}
